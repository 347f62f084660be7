#include "data/chat/text_search.h"

#include <cstring>
#include <vector>

namespace caravan::data {

std::size_t find_first(std::string_view text, std::string_view wanted, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (wanted.empty()) return from;
  // glibc's is the two-way algorithm.
  const void* found = memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// Knuth, Morris and Pratt, both read from their ends.
std::size_t find_last(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return text.size();
  if (wanted.size() > text.size()) return std::string_view::npos;
  const auto letter = [](std::string_view of, std::size_t i) { return of[of.size() - 1 - i]; };
  // How many letters of the pattern are matched still when the letter after the first i does not fit.
  std::vector<std::size_t> border(wanted.size() + 1, 0);
  for (std::size_t i = 1, matched = 0; i < wanted.size(); ++i) {
    while (matched > 0 && letter(wanted, i) != letter(wanted, matched)) matched = border[matched];
    if (letter(wanted, i) == letter(wanted, matched)) ++matched;
    border[i + 1] = matched;
  }
  for (std::size_t i = 0, matched = 0; i < text.size(); ++i) {
    while (matched > 0 && letter(text, i) != letter(wanted, matched)) matched = border[matched];
    if (letter(text, i) == letter(wanted, matched)) ++matched;
    if (matched == wanted.size()) return text.size() - 1 - i;
  }
  return std::string_view::npos;
}

}  // namespace caravan::data
