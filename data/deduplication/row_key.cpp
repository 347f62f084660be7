#include "data/deduplication/row_key.h"

namespace caravan::data {

// As the reference's keys have it.
std::string_view RowKeys::joined() const {
  return std::string_view(joined_).substr(0, joined_.empty() ? 0 : joined_.size() - 1);
}

void RowKeys::add_part(std::string_view part) {
  const std::uint64_t size = part.size();
  hash_.update(&size, sizeof size).update(part);
}

template <class Append>
void RowKeys::for_texts(const Conversation& row, Append append) const {
  for (const Message& message : row.messages) {
    if (kind_ != KeyKind::kText && message.role != "user") continue;
    append(message.content);
    if (kind_ == KeyKind::kFirstTurn) break;
  }
}

const Words& RowKeys::words(const Conversation& row) {
  words_.clear();
  for_texts(row, [this](const std::string& text) { splitter_.append(text, words_); });
  return words_;
}

Sha256::Digest RowKeys::key_with_roles(const Conversation& row) {
  for (const Message& message : row.messages) {
    joined_.clear();
    splitter_.append_joined(message.content, joined_);
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
  joined_.clear();
  for_texts(row, [this](const std::string& text) { splitter_.append_joined(text, joined_); });
  return hash_.update(joined()).digest();
}

}  // namespace caravan::data
