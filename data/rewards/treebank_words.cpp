#include "data/rewards/treebank_words.h"

#include <algorithm>

#include "data/rewards/markdown_marks.h"
#include "data/rewards/text_pieces.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Bytes of the separator at word[at]; 0 where the word goes on.
std::size_t separator_at(std::string_view word, std::size_t at) {
  const char c = word[at];
  if (contains(";@#$%&?!()[]{}<>\"`", word.substr(at, 1))) return 1;
  if (c == ',' || c == ':') return at + 1 < word.size() && is_digit(word[at + 1]) ? 0 : 1;
  if (word.substr(at, 2) == "--") return 2;
  if (word.substr(at, 3) == "...") return 3;
  if (static_cast<unsigned char>(c) < 0x80) return 0;
  const DecodedChar decoded = decode_valid(word.data() + at);
  constexpr char32_t kQuotes[] = {0xab, 0xbb, 0x201c, 0x201d, 0x201e, 0x2018, 0x2019};
  return std::find(std::begin(kQuotes), std::end(kQuotes), decoded.value) != std::end(kQuotes)
             ? decoded.num_bytes
             : 0;
}

// IT'S -> IT 'S, DON'T -> DO N'T, CANNOT -> CAN NOT.
void split_contractions(std::string_view word, std::vector<std::string_view>& words) {
  const std::string lowered = lower(word);
  if (lowered.size() == word.size()) {
    for (const std::string_view ending : {"n't", "'ll", "'re", "'ve", "'s", "'m", "'d", "'"}) {
      if (!lowered.ends_with(ending) || lowered.size() <= ending.size()) continue;
      words.push_back(word.substr(0, word.size() - ending.size()));
      words.push_back(word.substr(word.size() - ending.size()));
      return;
    }
    if (lowered == "cannot" || lowered == "gotta" || lowered == "gonna" || lowered == "gimme" ||
        lowered == "wanna" || lowered == "lemme") {
      words.push_back(word.substr(0, 3));
      words.push_back(word.substr(3));
      return;
    }
  }
  words.push_back(word);
}

}  // namespace

std::vector<std::string_view> treebank_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split_words(text)) {
    std::size_t begin = 0;
    for (std::size_t at = 0; at < word.size();) {
      const std::size_t length = separator_at(word, at);
      if (length == 0) {
        ++at;
        continue;
      }
      if (at > begin) split_contractions(word.substr(begin, at - begin), words);
      words.push_back(word.substr(at, length));
      at += length;
      begin = at;
    }
    if (begin < word.size()) split_contractions(word.substr(begin), words);
  }
  return words;
}

std::size_t count_capital_words(std::string_view text) {
  const std::vector<std::string_view> words = treebank_words(text);
  return static_cast<std::size_t>(std::count_if(
      words.begin(), words.end(), [](std::string_view word) { return is_one_case(word, true); }));
}

}  // namespace caravan::data
