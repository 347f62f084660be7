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

 private:
  // Calls `append` with each text that the key looks at.
  template <class Append>
  void for_texts(const Conversation& row, Append append) const;
  Sha256::Digest key_with_roles(const Conversation& row);
  Sha256::Digest key_of_bytes(const Conversation& row);
  void add_part(std::string_view part);
  // The words of joined_, one space between two.
  std::string_view joined() const;

  KeyKind kind_;
  WordSplitter splitter_;
  Words words_;
  std::string joined_;
  Sha256 hash_;
};

}  // namespace caravan::data
