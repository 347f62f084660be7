// Which rows of a set are not worth training on: the settings of `caravan data filter`, by the same names as
// its flags (min_tokens is --min-tokens). All are off unless asked for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace caravan::data {

// Whose turns a filter of texts looks at.
enum class TurnsOf : std::uint8_t { kAssistant, kUser, kAll };
constexpr std::array<std::string_view, 3> choice_names(TurnsOf) {
  return {"assistant", "user", "all"};
}

enum class KeywordCase : std::uint8_t { kIgnore, kExact };
constexpr std::array<std::string_view, 2> choice_names(KeywordCase) {
  return {"ignore", "exact"};
}

struct FilterOptions {
  bool reference = false;
  bool empty_turns = false, role_order = false, duplicate_system = false;
  bool provider_names = false, identity_statements = false;
  std::string keyword_file = {};
  TurnsOf keyword_turns = TurnsOf::kAssistant;
  KeywordCase keyword_case = KeywordCase::kIgnore;
  bool keyword_whole_words = true;
  bool trivial_prompts = false;
  std::int64_t trivial_words = 1, trivial_operations = 1;
  std::optional<std::int64_t> min_characters = {}, max_characters = {};
  std::optional<std::int64_t> min_tokens = {}, max_tokens = {};
  std::optional<std::int64_t> min_turns = {}, max_turns = {};
  TurnsOf length_turns = TurnsOf::kAll;
  std::string tokenizer = {};
  std::string languages = {}, language_field = {};
  std::int64_t language_letters = 20;
  std::optional<double> max_repeated_ngrams = {}, max_repeated_lines = {};
  std::int64_t ngram_words = 5, repetition_words = 30;
  std::string drop_pattern = {};
  TurnsOf pattern_turns = TurnsOf::kAssistant;
  bool unbalanced_fences = false;
  bool moderation = false;
  bool operator==(const FilterOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    visit_turns(v);
    visit_words(v);
    visit_length(v);
    visit_text(v);
  }

 private:
  template <class Visitor>
  void visit_turns(Visitor& v) {
    v.field(
        "reference", reference,
        {.help = "what open-instruct drops from its sets: names of providers in answers, and any turn that "
                 "is null or blank; the default where no filter is named"});
    v.field("empty_turns", empty_turns,
            {.help = "a blank turn (a tool call is no blank turn), no user, or no assistant"});
    v.field("role_order", role_order,
            {.help = "turns other than system?, then user and assistant in turn, ending with an assistant; "
                     "tools answer calls"});
    v.field("duplicate_system", duplicate_system,
            {.help = "a system text that is said twice, or again as the first user turn"});
    v.field("moderation", moderation,
            {.help = "rows or turns that the set itself marks: toxic, redacted, openai_moderation flagged"});
  }
  template <class Visitor>
  void visit_words(Visitor& v) {
    v.field("provider_names", provider_names,
            {.help = "the reference's list of names: OpenAI, ChatGPT, GPT-4, ..."});
    v.field("identity_statements", identity_statements,
            {.help = "what other models say of themselves: As an AI language model, I was trained by ..."});
    v.field("keyword_file", keyword_file,
            {.help = "a list of one's own: a keyword a line, UTF-8; # begins a comment", .path = true});
    v.field("keyword_turns", keyword_turns, {.help = "whose turns the three filters above look at"});
    v.field("keyword_case", keyword_case, {.help = "whether case counts for keyword_file"});
    v.field("keyword_whole_words", keyword_whole_words,
            {.help = "whether keyword_file matches whole words only; false: also inside words"});
    v.field("trivial_prompts", trivial_prompts,
            {.help = "conversations whose every prompt is a word or a sum"});
    v.field("trivial_words", trivial_words,
            {.help = "a prompt of at most so many words is trivial", .min = 0, .max = 100});
    v.field("trivial_operations", trivial_operations,
            {.help = "a prompt that only asks for at most so many operations on numbers is trivial",
             .min = 0,
             .max = 100});
  }
  template <class Visitor>
  void visit_length(Visitor& v) {
    constexpr double kMax = 1e12;
    v.field("min_characters", min_characters,
            {.help = "fewest characters of a conversation", .min = 0, .max = kMax});
    v.field("max_characters", max_characters,
            {.help = "most characters of a conversation", .min = 0, .max = kMax});
    v.field("min_tokens", min_tokens, {.help = "fewest tokens, without a template's", .min = 0, .max = kMax});
    v.field("max_tokens", max_tokens, {.help = "most tokens, without a template's", .min = 0, .max = kMax});
    v.field("min_turns", min_turns, {.help = "fewest turns, system left out", .min = 0, .max = kMax});
    v.field("max_turns", max_turns, {.help = "most turns, system left out", .min = 0, .max = kMax});
    v.field("length_turns", length_turns, {.help = "whose characters and tokens count"});
    v.field("tokenizer", tokenizer,
            {.help = "tokenizer.json, tokenizer.model or a folder with one, for min_tokens and max_tokens",
             .path = true});
  }
  template <class Visitor>
  void visit_text(Visitor& v) {
    v.field(
        "languages", languages,
        {.help =
             "languages to keep, as in en,ko: de el en es fr he it ja ko nl pt th zh, or a script: latin, "
             "cyrillic, arabic, devanagari, ..."});
    v.field(
        "language_field", language_field,
        {.help =
             "a field of the row names its language (languages lists its values); absent: the text tells"});
    v.field("language_letters", language_letters,
            {.help = "texts of fewer letters are not judged by their language", .min = 1, .max = 1e6});
    v.field(
        "max_repeated_ngrams", max_repeated_ngrams,
        {.help = "largest share of an answer's words in runs that stood there before", .min = 0, .max = 1});
    v.field("max_repeated_lines", max_repeated_lines,
            {.help = "largest share of an answer's lines that stood there before", .min = 0, .max = 1});
    v.field("ngram_words", ngram_words, {.help = "words of a run", .min = 1, .max = 100});
    v.field("repetition_words", repetition_words,
            {.help = "answers of fewer words are not judged by their repetitions", .min = 1, .max = 1e6});
    v.field("drop_pattern", drop_pattern, {.help = "a regular expression (PCRE2) that no text may match"});
    v.field("pattern_turns", pattern_turns, {.help = "whose turns drop_pattern looks at"});
    v.field("unbalanced_fences", unbalanced_fences,
            {.help = "an answer with a code fence that is not closed"});
  }
};

// Whether any filter is on.
bool names_a_filter(const FilterOptions& options);

// Throws Error (usage) for settings that contradict each other or have no effect.
void check_filter_options(const FilterOptions& options);

}  // namespace caravan::data
