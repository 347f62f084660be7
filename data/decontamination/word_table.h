// Words to small numbers. A hit is confirmed on the letters, so two words never share a number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

class WordTable {
 public:
  static constexpr std::uint32_t kUnknown = UINT32_MAX;

  WordTable() : slots_(1024) {}
  // `hash` is hash_letters(letters). Numbers count up from 0.
  std::uint32_t add(std::string_view letters, std::uint64_t hash);
  // kUnknown where the word was never added. Thread safe beside other calls of find.
  std::uint32_t find(std::string_view letters, std::uint64_t hash) const {
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      const std::uint64_t slot = slots_[at];
      if (slot == 0) return kUnknown;
      const auto word = static_cast<std::uint32_t>(slot) - 1;
      if (slot >> 32 == hash >> 32 && this->letters(word) == letters) return word;
    }
  }
  std::uint32_t size() const { return static_cast<std::uint32_t>(begins_.size()); }
  std::string_view letters(std::uint32_t word) const {
    const std::size_t end = word + 1 < begins_.size() ? begins_[word + 1] : letters_.size();
    return std::string_view(letters_).substr(begins_[word], end - begins_[word]);
  }

 private:
  void place(std::uint64_t hash, std::uint32_t word);

  std::vector<std::uint64_t> slots_;  // upper half of the hash, and the number plus one
  std::vector<std::uint64_t> hashes_;
  std::vector<std::size_t> begins_;
  std::string letters_;
};

}  // namespace caravan::data
