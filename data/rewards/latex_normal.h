// One spelling for what TeX and people spell in many ways.
#pragma once

#include <string>
#include <string_view>

namespace caravan::data {

// Layout commands go, synonyms become one, characters of Unicode become commands, separators of thousands go,
// a dollar or degree sign goes, TeX's dollars and brackets around go. Spaces stay where they may part words.
// Linear in the text.
std::string latex_normal(std::string_view answer);

// For comparing texts: no spaces, no braces around the whole, no full stop at the end.
std::string latex_key(std::string_view normal);

// The words of an answer in words, lower case, wrappers and punctuation gone; empty where it is a formula.
std::string latex_words(std::string_view normal);

}  // namespace caravan::data
