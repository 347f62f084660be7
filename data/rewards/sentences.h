// How many sentences a text has, by the rules of Punkt (Kiss and Strunk 2006) that NLTK made the field's
// standard.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// Punkt's decisions with a list of abbreviations and of words that begin sentences of our own, where Punkt
// has what it learnt from a newspaper: the two part where an abbreviation is followed by a capital letter.
std::size_t count_sentences(std::string_view text);

}  // namespace caravan::data
