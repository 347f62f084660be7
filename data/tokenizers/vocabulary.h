// Tokens by id and ids by token: bytes in one arena, one hash table. Filled once, then read by any number of
// threads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

class Vocabulary {
 public:
  // More would point at a damaged file: the arrays are as long as the largest id.
  static constexpr std::int32_t kMaxId = (1 << 24) - 1;
  static constexpr std::int32_t kNone = -1;

  // Adds a token. `lookup` false: find() does not know it (it exists for decoding only). Returns the id that
  // held these bytes before, or the given id if that id is taken by other bytes (nothing is added then), or
  // kNone on success.
  std::int32_t add(std::int32_t id, std::string_view bytes, bool lookup = true);
  void reserve(std::size_t num_tokens, std::size_t num_bytes);

  std::int32_t find(std::string_view bytes) const;
  // Whether an id has a token; its bytes (empty where it has none).
  bool has(std::int32_t id) const {
    return id >= 0 && static_cast<std::size_t>(id) < tokens_.size() &&
           tokens_[static_cast<std::size_t>(id)].exists;
  }
  std::string_view bytes(std::int32_t id) const {
    const Token& token = tokens_[static_cast<std::size_t>(id)];
    return {arena_.data() + token.begin, token.num_bytes};
  }
  std::uint32_t num_bytes(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)].num_bytes; }

  std::int32_t end_id() const {
    return static_cast<std::int32_t>(tokens_.size());
  }  // one past the largest id
  std::size_t size() const { return num_tokens_; }

 private:
  struct Token {
    std::uint64_t begin = 0;
    std::uint32_t num_bytes = 0;
    bool exists = false;
    bool found = false;  // find() knows it
  };
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t id = kNone;
  };
  void grow();
  std::size_t probe(std::string_view bytes, std::uint64_t hash) const;

  std::string arena_;
  std::vector<Token> tokens_;
  std::vector<Slot> slots_;  // a power of two, at most half full
  std::size_t num_tokens_ = 0;
  std::size_t num_found_ = 0;
  std::size_t longest_bytes_ = 0;
};

}  // namespace caravan::data
