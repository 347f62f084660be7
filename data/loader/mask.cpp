#include "data/loader/mask.h"

namespace caravan::data {
namespace {

// Walks sorted spans along with ascending token ranges.
class SpanWalk {
 public:
  explicit SpanWalk(std::span<const ByteRange> spans) : spans_(spans) {}

  // 0: [begin, end) touches no span; 1: lies inside one; 2: partly.
  int overlap(std::size_t begin, std::size_t end) {
    while (at_ < spans_.size() && spans_[at_].end <= begin) ++at_;
    if (at_ == spans_.size() || spans_[at_].begin >= end) return 0;
    return spans_[at_].begin <= begin && end <= spans_[at_].end ? 1 : 2;
  }

 private:
  std::span<const ByteRange> spans_;
  std::size_t at_ = 0;
};

}  // namespace

std::uint32_t mask_tokens(std::span<const std::uint32_t> begins, std::size_t text_bytes,
                          std::span<const ByteRange> spans, std::vector<std::uint8_t>& trained) {
  const std::size_t count = begins.size();
  trained.assign(count, 0);
  SpanWalk walk(spans);
  std::uint32_t straddling = 0;
  std::size_t next = 0;  // first token that begins behind the current one
  for (std::size_t i = 0; i < count; ++i) {
    if (next <= i) next = i + 1;
    while (next < count && begins[next] <= begins[i]) ++next;
    const int overlap = walk.overlap(begins[i], next < count ? begins[next] : text_bytes);
    trained[i] = overlap != 0;
    straddling += overlap == 2;
  }
  return straddling;
}

Proof prove_mask(std::string_view text, std::span<const std::int32_t> ids, const TokenTexts& texts,
                 std::span<const ByteRange> spans, std::span<const std::uint8_t> trained) {
  SpanWalk walk(spans);
  std::size_t at = 0;
  bool same_mask = true;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::string_view token = texts[ids[i]];
    if (text.substr(at, token.size()) != token) {
      // A space of the tokenizer's own before the first word of a stretch of text.
      if (!token.starts_with(' ')) return Proof::kAltered;
      token.remove_prefix(1);
      if (text.substr(at, token.size()) != token) return Proof::kAltered;
    }
    const std::size_t end = at + token.size();
    // A token without bytes of its own (a lone space of its own) says nothing about the mask.
    if (end > at) same_mask = same_mask && (walk.overlap(at, end) != 0) == (trained[i] != 0);
    at = end;
  }
  if (at != text.size()) return Proof::kAltered;
  return same_mask ? Proof::kExact : Proof::kMismatch;
}

}  // namespace caravan::data
