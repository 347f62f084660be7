#define XXH_INLINE_ALL
#include "data/tokenizers/vocabulary.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace caravan::data {
namespace {

std::uint64_t hash_of(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

// The slot that holds these bytes, or the empty one where they belong.
std::size_t Vocabulary::probe(std::string_view wanted, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto short_hash = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id == kNone || (slot.hash == short_hash && bytes(slot.id) == wanted)) return at;
  }
}

std::int32_t Vocabulary::find(std::string_view wanted) const {
  if (slots_.empty() || wanted.size() > longest_bytes_) return kNone;
  return slots_[probe(wanted, hash_of(wanted))].id;
}

void Vocabulary::grow() {
  slots_.assign(std::max<std::size_t>(1024, slots_.size() * 2), Slot{});
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (!tokens_[i].found) continue;
    const auto id = static_cast<std::int32_t>(i);
    const std::uint64_t hash = hash_of(bytes(id));
    slots_[probe(bytes(id), hash)] = {static_cast<std::uint32_t>(hash >> 32), id};
  }
}

std::int32_t Vocabulary::add(std::int32_t id, std::string_view wanted, bool lookup) {
  if (has(id)) return id;
  std::size_t at = 0;
  std::uint64_t hash = 0;
  if (lookup) {
    if ((num_found_ + 1) * 2 > slots_.size()) grow();
    hash = hash_of(wanted);
    at = probe(wanted, hash);
    if (slots_[at].id != kNone) return slots_[at].id;
  }
  const auto index = static_cast<std::size_t>(id);
  if (index >= tokens_.size()) tokens_.resize(index + 1);
  tokens_[index] = {arena_.size(), static_cast<std::uint32_t>(wanted.size()), true, lookup};
  arena_.append(wanted);
  ++num_tokens_;
  if (lookup) {
    slots_[at] = {static_cast<std::uint32_t>(hash >> 32), id};
    ++num_found_;
    longest_bytes_ = std::max(longest_bytes_, wanted.size());
  }
  return kNone;
}

void Vocabulary::reserve(std::size_t num_tokens, std::size_t num_bytes) {
  arena_.reserve(num_bytes);
  tokens_.reserve(num_tokens);
  const std::size_t wanted = std::bit_ceil(std::max<std::size_t>(1024, num_tokens * 2));
  if (num_tokens_ == 0 && slots_.size() < wanted) slots_.assign(wanted, Slot{});
}

}  // namespace caravan::data
