// Tokens that stand outside the model: found in the text before anything is normalized or split.
//
// The rules are Hugging Face's: leftmost match, longest first; `normalized` tokens are sought in the
// normalized text, after the others. One rule is ours: a special token counts only where its text lies wholly
// inside a trusted range.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

struct AddedToken {
  std::int32_t id = 0;
  std::string content;
  bool special = false;
  bool normalized = false;
  bool lstrip = false;       // takes the spaces before it
  bool rstrip = false;       // takes the spaces after it
  bool single_word = false;  // only between characters that make no word
};

// How a range lies to the trusted ranges.
enum class Trust { kInside, kOutside, kAcross };

// How a range of the text lies to the trusted ranges. Asked in ascending order.
class TrustedRanges {
 public:
  explicit TrustedRanges(std::span<const ByteRange> ranges) : ranges_(ranges) {}

  Trust operator()(std::size_t begin, std::size_t end) {
    while (next_ < ranges_.size() && ranges_[next_].end <= begin) ++next_;
    if (next_ == ranges_.size() || ranges_[next_].begin >= end) return Trust::kOutside;
    const ByteRange& range = ranges_[next_];
    return range.begin <= begin && end <= range.end ? Trust::kInside : Trust::kAcross;
  }

 private:
  std::span<const ByteRange> ranges_;
  std::size_t next_ = 0;
};

// Searches one text for a set of tokens. Const and thread safe after construction.
class TokenMatcher {
 public:
  // Longer contents would make the search slow on hostile text.
  static constexpr std::size_t kMaxContentBytes = 512;

  struct Match {
    ByteRange range;  // with the spaces that lstrip and rstrip take
    std::int32_t id;
  };

  // `patterns[i]` is the text sought for `tokens[i]`; empty ones are never found.
  TokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& patterns);

  bool is_empty() const { return tokens_.empty(); }
  // Whether anything can be found where nothing is trusted.
  bool has_plain() const { return has_plain_; }

  // Matches in order. `is_trusted(begin, end)` says how a range of `text` lies to the trusted ranges.
  template <class IsTrusted>
  void find(std::string_view text, IsTrusted&& is_trusted, std::vector<Match>& matches) const;

 private:
  struct Node {
    std::int32_t token = -1;
    std::uint32_t first_edge = 0;
    std::uint32_t num_edges = 0;
  };
  struct Edge {
    unsigned char byte;
    std::uint32_t node;
  };
  // Tokens whose pattern stands at `at`, longest first, into `found` (at most kMaxContentBytes deep).
  void match_at(std::string_view text, std::size_t at,
                std::vector<std::pair<std::size_t, std::int32_t>>& found) const;
  bool stands_alone(std::string_view text, ByteRange range) const;
  Match widen(std::string_view text, ByteRange range, std::size_t taken, const AddedToken& token) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  bool starts_[256] = {};
  bool has_plain_ = false;
};

template <class IsTrusted>
void TokenMatcher::find(std::string_view text, IsTrusted&& is_trusted, std::vector<Match>& matches) const {
  std::vector<std::pair<std::size_t, std::int32_t>> found;
  std::size_t taken = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!starts_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    match_at(text, at, found);
    std::size_t next = at + 1;
    for (const auto& [length, index] : found) {
      const AddedToken& token = tokens_[static_cast<std::size_t>(index)];
      const ByteRange range{at, at + length};
      const Trust trust = token.special ? is_trusted(range.begin, range.end) : Trust::kInside;
      // A special token that reaches over the edge of a trusted range is no token, and must not hide one that
      // begins inside it.
      if (trust == Trust::kAcross) continue;
      next = range.end;
      if (trust == Trust::kInside && (!token.single_word || stands_alone(text, range))) {
        matches.push_back(widen(text, range, taken, token));
        taken = matches.back().range.end;
      }
      break;
    }
    at = next;
  }
}

}  // namespace caravan::data
