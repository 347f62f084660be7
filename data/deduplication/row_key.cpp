#include "data/deduplication/row_key.h"

#include <cstring>

namespace caravan::data {

// One space between words, as the reference's keys have it. Words are copied 16 bytes at a time: most are
// shorter, and what is too much is written over by the next.
void RowKeys::join_words() {
  constexpr std::size_t kStep = 16;
  std::size_t size = 0;
  for (const Word& word : words_.all()) size += word.num_bytes + 1;
  if (joined_.size() < size + kStep) joined_.resize(2 * size + kStep);
  char* at = joined_.data();
  const std::string_view letters = words_.letters();
  for (const Word& word : words_.all()) {
    const char* from = letters.data() + word.begin;
    const bool short_word = word.num_bytes <= kStep && word.begin + kStep <= letters.size();
    std::memcpy(at, from, short_word ? kStep : word.num_bytes);
    at += word.num_bytes;
    *at++ = ' ';
  }
  joined_size_ = size == 0 ? 0 : size - 1;
}

void RowKeys::add_part(std::string_view part) {
  const std::uint64_t size = part.size();
  hash_.update(&size, sizeof size).update(part);
}

void RowKeys::gather(const Conversation& row, bool hashes) {
  words_.clear();
  for (const Message& message : row.messages) {
    if (kind_ != KeyKind::kText && message.role != "user") continue;
    if (hashes)
      splitter_.append(message.content, words_);
    else
      splitter_.append_unhashed(message.content, words_);
    if (kind_ == KeyKind::kFirstTurn) break;
  }
}

const Words& RowKeys::words(const Conversation& row) {
  gather(row, true);
  return words_;
}

Sha256::Digest RowKeys::key_with_roles(const Conversation& row) {
  for (const Message& message : row.messages) {
    words_.clear();
    splitter_.append_unhashed(message.content, words_);
    join_words();
    add_part(message.role);
    add_part(joined());
  }
  return hash_.digest();
}

Sha256::Digest RowKeys::key_of_bytes(const Conversation& row) {
  for (const Message& message : row.messages) {
    add_part(message.role);
    add_part(message.content);
    add_part(message.extra.is_null() ? ""
                                     : message.extra.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return hash_.digest();
}

Sha256::Digest RowKeys::key(const Conversation& row) {
  hash_.reset();
  if (kind_ == KeyKind::kRaw) return key_of_bytes(row);
  if (kind_ == KeyKind::kTextWithRoles) return key_with_roles(row);
  gather(row, false);
  join_words();
  return hash_.update(joined()).digest();
}

}  // namespace caravan::data
