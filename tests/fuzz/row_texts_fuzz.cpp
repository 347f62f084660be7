// What is done with the texts of a row: filters, words, keys of duplicates, counts, what people are shown.
#include "data/deduplication/row_key.h"
#include "data/deduplication/shingles.h"
#include "data/filters/language.h"
#include "data/filters/row_filters.h"
#include "data/html_text.h"
#include "data/inspection/inspection.h"
#include "data/tokenizers/unicode.h"
#include "data/visible_text.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

namespace {

const data::RowFilters& all_filters() {
  data::FilterOptions options;
  options.reference = options.empty_turns = options.role_order = options.duplicate_system = true;
  options.provider_names = options.identity_statements = options.trivial_prompts = true;
  options.min_characters = 3;
  options.max_characters = 200;
  options.languages = "en,ko,cyrillic";
  options.language_letters = 1;
  options.max_repeated_ngrams = options.max_repeated_lines = 0.1;
  options.repetition_words = 1;
  options.drop_pattern = "(a+)+b|\\bfoo\\b";
  options.unbalanced_fences = options.moderation = true;
  static const data::RowFilters filters(options);
  return filters;
}

void check_words(std::string_view text, data::Folding folding) {
  const data::WordSplitter splitter(folding);
  data::Words words;
  splitter.split(text, words);
  std::size_t end = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    fuzz::require(words[i].source_begin <= words[i].source_end && words[i].source_end <= text.size(),
                  "a word lies in its text");
    fuzz::require(end <= words[i].source_begin || words[i].source_begin == words[i - 1].source_begin,
                  "words follow one another");
    end = words[i].source_begin;
    fuzz::require(data::find_invalid_utf8(words.letters(i)) == std::string_view::npos, "words are UTF-8");
  }
  std::vector<std::uint64_t> shingles;
  data::make_shingles(words, 3, shingles);
  fuzz::require(std::ranges::is_sorted(shingles), "shingles are a set");
}

void check_shown(std::string_view text) {
  const std::string html = data::html_text(text), seen = data::visible_text(text, 60);
  fuzz::require(html.find('<') == std::string::npos, "no markup comes out of a text");
  fuzz::require(seen.find('\x1b') == std::string::npos && seen.find('\n') == std::string::npos,
                "nothing moves a terminal");
  fuzz::require(data::find_invalid_utf8(html) == std::string_view::npos &&
                    data::find_invalid_utf8(seen) == std::string_view::npos,
                "what is shown is UTF-8");
}

void check_row(const data::JsonValue& row) {
  static data::RowFilters::Workspace work;
  for (const data::FilterHit& hit : all_filters().judge(row, work)) {
    fuzz::require(!hit.reason.empty() && hit.begin <= hit.end, "a hit has a reason and a place");
    check_shown(data::excerpt(hit, work.sides, 40));
  }
  for (const data::Conversation& side : work.sides) {
    for (const auto kind : {data::KeyKind::kText, data::KeyKind::kTextWithRoles, data::KeyKind::kPrompt,
                            data::KeyKind::kFirstTurn, data::KeyKind::kRaw})
      data::RowKeys(kind).key(side);
    data::ConvertedRow converted;
    converted.messages = side.messages;
    const data::RowFacts facts = data::facts_of(converted, nullptr);
    fuzz::require(facts.answer_characters <= facts.characters, "answers are part of the whole");
  }
}

}  // namespace

const fuzz::Registered kTarget("row_texts", [](fuzz::Input input) {
  const std::string_view text = input.rest();
  check_shown(text);
  check_words(text, data::Folding::kReference);
  check_words(text, data::Folding::kLookalikes);
  if (data::find_invalid_utf8(text) == std::string_view::npos) {
    const data::LanguageGuess guess = data::guess_language(text);
    fuzz::require((guess.letters > 0) == !guess.language.empty(), "letters have a language");
  }
  data::JsonRow json;
  if (json.parse(text) == data::JsonRow::Status::kOk && json.root().is(data::JsonValue::Type::kObject))
    check_row(json.root());
});
