// The lists of keywords that come with the program, and those of files.
#pragma once

#include <string>
#include <vector>

#include "data/filters/keyword_search.h"

namespace caravan::data {

// open-instruct's: names of providers and their models. The dot of "GPT-3.5" is one of a regular expression
// there, so any character stands for it.
std::vector<Keyword> reference_keywords();

// What models say of themselves and of who made them. Ours.
std::vector<Keyword> identity_statements();

// A keyword a line; blank lines, and lines that begin with #, are none. Throws Error: kInputOutput where the
// file cannot be read, kData where it is not UTF-8, holds no keyword, or holds more than can be looked for.
std::vector<Keyword> read_keyword_file(const std::string& path);

}  // namespace caravan::data
