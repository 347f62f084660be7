#include "data/tokenizers/added_tokens.h"

#include <algorithm>
#include <map>

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

bool has_class(const char* p, CharClass wanted) {
  return (CharClasses::instance().of(decode_valid(p).value) & wanted) != 0;
}

// A trie while it grows; flat arrays afterwards.
struct GrowingNode {
  std::int32_t token = -1;
  std::map<unsigned char, std::size_t> children;
};

}  // namespace

TokenMatcher::TokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& patterns)
    : tokens_(std::move(tokens)) {
  std::vector<GrowingNode> growing(1);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (patterns[i].empty()) continue;
    has_plain_ = has_plain_ || !tokens_[i].special;
    starts_[static_cast<unsigned char>(patterns[i][0])] = true;
    std::size_t at = 0;
    for (const char c : patterns[i]) {
      const auto [child, is_new] =
          growing[at].children.emplace(static_cast<unsigned char>(c), growing.size());
      at = child->second;
      if (is_new) growing.emplace_back();
    }
    if (growing[at].token < 0) growing[at].token = static_cast<std::int32_t>(i);
  }
  for (const GrowingNode& node : growing) {
    nodes_.push_back({node.token, static_cast<std::uint32_t>(edges_.size()),
                      static_cast<std::uint32_t>(node.children.size())});
    for (const auto& [byte, child] : node.children)
      edges_.push_back({byte, static_cast<std::uint32_t>(child)});
  }
}

void TokenMatcher::match_at(std::string_view text, std::size_t at,
                            std::vector<std::pair<std::size_t, std::int32_t>>& found) const {
  found.clear();
  const Node* node = &nodes_[0];
  for (std::size_t i = at; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto first = edges_.begin() + node->first_edge;
    const auto edge =
        std::lower_bound(first, first + node->num_edges, byte,
                         [](const Edge& candidate, unsigned char wanted) { return candidate.byte < wanted; });
    if (edge == first + node->num_edges || edge->byte != byte) break;
    node = &nodes_[edge->node];
    if (node->token >= 0) found.emplace_back(i + 1 - at, node->token);
  }
  std::ranges::reverse(found);
}

bool TokenMatcher::stands_alone(std::string_view text, ByteRange range) const {
  const bool word_before = range.begin > 0 && has_class(previous_valid(text.data() + range.begin), kWord);
  const bool word_after = range.end < text.size() && has_class(text.data() + range.end, kWord);
  return !word_before && !word_after;
}

// `taken`: end of the previous match; its spaces are not taken twice.
TokenMatcher::Match TokenMatcher::widen(std::string_view text, ByteRange range, std::size_t taken,
                                        const AddedToken& token) const {
  if (token.lstrip) {
    while (range.begin > taken) {
      const char* last = previous_valid(text.data() + range.begin);
      if (!has_class(last, kSpace)) break;
      range.begin = static_cast<std::size_t>(last - text.data());
    }
  }
  if (token.rstrip) {
    while (range.end < text.size() && has_class(text.data() + range.end, kSpace)) {
      range.end += decode_valid(text.data() + range.end).num_bytes;
    }
  }
  return {range, token.id};
}

}  // namespace caravan::data
