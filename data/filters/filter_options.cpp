#include "data/filters/filter_options.h"

#include "data/error.h"

namespace caravan::data {
namespace {

[[noreturn]] void refuse(const std::string& text) {
  throw Error(Error::Kind::kUsage, text);
}

void check_order(const char* name, const std::optional<std::int64_t>& least,
                 const std::optional<std::int64_t>& most) {
  if (least && most && *least > *most)
    refuse("min_" + std::string(name) + " is " + std::to_string(*least) + " and max_" + name + " " +
           std::to_string(*most) + ": no row would be left; min must not be above max");
}

// A setting that refines a filter which is off.
void check_effect(bool changed, bool filter_is_on, const char* setting, const char* filters) {
  if (changed && !filter_is_on)
    refuse(std::string(setting) + " has a meaning only with " + filters + "; name it too, or leave " +
           setting + " out");
}

}  // namespace

bool names_a_filter(const FilterOptions& o) {
  return o.reference || o.empty_turns || o.role_order || o.duplicate_system || o.provider_names ||
         o.identity_statements || !o.keyword_file.empty() || o.trivial_prompts || o.min_characters ||
         o.max_characters || o.min_tokens || o.max_tokens || o.min_turns || o.max_turns ||
         !o.languages.empty() || o.max_repeated_ngrams || o.max_repeated_lines || !o.drop_pattern.empty() ||
         o.unbalanced_fences || o.moderation;
}

void check_filter_options(const FilterOptions& o) {
  check_order("characters", o.min_characters, o.max_characters);
  check_order("tokens", o.min_tokens, o.max_tokens);
  check_order("turns", o.min_turns, o.max_turns);
  const FilterOptions unset;
  const bool counts_tokens = o.min_tokens || o.max_tokens;
  const bool repeats = o.max_repeated_ngrams || o.max_repeated_lines;
  const bool has_list = !o.keyword_file.empty();
  if (counts_tokens && o.tokenizer.empty())
    refuse("min_tokens and max_tokens need a tokenizer: name its file or folder with tokenizer");
  check_effect(!o.tokenizer.empty(), counts_tokens, "tokenizer", "min_tokens or max_tokens");
  check_effect(o.length_turns != unset.length_turns, counts_tokens || o.min_characters || o.max_characters,
               "length_turns", "a limit on characters or tokens");
  check_effect(o.keyword_turns != unset.keyword_turns, has_list || o.provider_names || o.identity_statements,
               "keyword_turns", "provider_names, identity_statements or keyword_file");
  check_effect(o.keyword_case != unset.keyword_case, has_list, "keyword_case", "keyword_file");
  check_effect(!o.keyword_whole_words, has_list, "keyword_whole_words", "keyword_file");
  check_effect(o.trivial_words != unset.trivial_words, o.trivial_prompts, "trivial_words", "trivial_prompts");
  check_effect(o.trivial_operations != unset.trivial_operations, o.trivial_prompts, "trivial_operations",
               "trivial_prompts");
  check_effect(!o.language_field.empty(), !o.languages.empty(), "language_field", "languages");
  check_effect(o.language_letters != unset.language_letters, !o.languages.empty() && o.language_field.empty(),
               "language_letters", "languages (and no language_field)");
  check_effect(o.ngram_words != unset.ngram_words, o.max_repeated_ngrams.has_value(), "ngram_words",
               "max_repeated_ngrams");
  check_effect(o.repetition_words != unset.repetition_words, repeats, "repetition_words",
               "max_repeated_ngrams or max_repeated_lines");
  check_effect(o.pattern_turns != unset.pattern_turns, !o.drop_pattern.empty(), "pattern_turns",
               "drop_pattern");
}

}  // namespace caravan::data
