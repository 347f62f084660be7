// What makes two rows the same row: a SHA-256 of the text that a key looks at.
//
// Goals: equal keys mean equal text (the hash is cryptographic, and each part carries its length, so nothing
// runs into its neighbour). Non-goals: likeness (near_clusters.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/message.h"
#include "data/sha256.h"
#include "data/words/words.h"

namespace caravan::data {

// What a key looks at. `words` are those of the reference folding, so case, punctuation, width and spaces do
// not count.
enum class KeyKind : std::uint8_t { kText, kTextWithRoles, kPrompt, kFirstTurn, kRaw };
constexpr std::array<std::string_view, 5> choice_names(KeyKind) {
  return {"text", "text_with_roles", "prompt", "first_turn", "raw"};
}

// Makes keys, reusing its memory: one per thread.
class RowKeys {
 public:
  explicit RowKeys(KeyKind kind) : kind_(kind), splitter_(Folding::kReference) {}
  // kText: words of all messages in order. kPrompt: of the user's messages. kFirstTurn: of the first message
  // of a user. kRaw: roles, contents and everything else of the messages, byte for byte.
  Sha256::Digest key(const Conversation& row);
  // The words that kText, kPrompt and kFirstTurn look at; valid until the next call.
  const Words& words(const Conversation& row);
  // Those of the last call of key or words.
  const Words& words() const { return words_; }

 private:
  void gather(const Conversation& row, bool hashes);
  Sha256::Digest key_with_roles(const Conversation& row);
  Sha256::Digest key_of_bytes(const Conversation& row);
  void add_part(std::string_view part);
  void join_words();
  std::string_view joined() const { return std::string_view(joined_).substr(0, joined_size_); }

  KeyKind kind_;
  WordSplitter splitter_;
  Words words_;
  std::string joined_;  // its first joined_size_ bytes
  std::size_t joined_size_ = 0;
  Sha256 hash_;
};

}  // namespace caravan::data
