#include "data/decontamination/word_table.h"

#include "data/error.h"

namespace caravan::data {

void WordTable::place(std::uint64_t hash, std::uint32_t word) {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at] != 0) at = (at + 1) & (slots_.size() - 1);
  slots_[at] = (hash >> 32 << 32) | (word + 1);
}

std::uint32_t WordTable::add(std::string_view letters, std::uint64_t hash) {
  const std::uint32_t known = find(letters, hash);
  if (known != kUnknown) return known;
  const std::uint32_t word = size();
  if (word == kUnknown - 1) throw Error(Error::Kind::kData, "more than 4294967293 different words");
  begins_.push_back(letters_.size());
  letters_.append(letters);
  hashes_.push_back(hash);
  if (hashes_.size() * 3 > slots_.size()) {
    slots_.assign(slots_.size() * 2, 0);
    for (std::uint32_t i = 0; i < word; ++i) place(hashes_[i], i);
  }
  place(hash, word);
  return word;
}

}  // namespace caravan::data
