// Which language a text is written in, as far as its letters tell.
//
// Goals: linear in the text; the same answer everywhere. The script decides where one script is one language
// (Korean, Japanese, Greek, ...); among languages in Latin letters their commonest short words do, and a
// table of how surprising each letter is in English. Non-goals: dialects, mixed texts, short ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/filters/row_filter.h"

namespace caravan::data {

struct LanguageGuess {
  std::string_view language;  // "en", "ko", or the script where it does not tell; empty without letters
  std::string_view script;    // "latin", "cyrillic", "mixed", ...
  std::int64_t letters = 0;
};

// `text` is valid UTF-8.
LanguageGuess guess_language(std::string_view text);

// Mean surprise of a letter in English, in bits. English prose lies near 2.9, other
// languages in Latin letters above 3.4.
double english_surprise(std::string_view text);

// All that guess_language answers, for messages.
std::string all_languages();

// language:FOUND where a row's language is not among `options.languages`.
// Throws Error (usage) for a name that is none.
std::unique_ptr<RowFilter> make_language_filter(const FilterOptions& options);

}  // namespace caravan::data
