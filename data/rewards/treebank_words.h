// Words as the Penn Treebank splits them, as far as counting words in capital letters needs it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace caravan::data {

// Punctuation apart, contractions in two (DO N'T, IT 'S), hyphens and slashes kept inside.
std::vector<std::string_view> treebank_words(std::string_view text);

// Words with a capital letter and no small one.
std::size_t count_capital_words(std::string_view text);

}  // namespace caravan::data
