// Where the documents of a packed row of tokens begin and end.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace caravan::models {

// T tokens, N documents one after the other, nothing between them; attention stays inside a document and the
// prefix it shares.
struct PackedLayout {
  std::vector<std::int32_t> positions = {};   // [T] rotary positions, usually 0, 1, ... in each document
  std::vector<std::int32_t> doc_starts = {};  // [N + 1] ascending from 0 to T
  // [N], or empty where nothing is shared: document d sees tokens prefix_starts[d] ... of an earlier
  // document, from its first on, prefix_lengths[d] of them, as if they stood before its own. That document
  // has no prefix itself.
  std::vector<std::int32_t> prefix_starts = {}, prefix_lengths = {};
  // The same, int64 and int32, on a device that is not the CPU: copied once a pass, by Llama::context.
  at::Tensor positions_T = {}, doc_starts_N = {};

  std::int64_t num_tokens() const { return static_cast<std::int64_t>(positions.size()); }
  std::int64_t num_documents() const { return static_cast<std::int64_t>(doc_starts.size()) - 1; }
  bool shares_prefixes() const {
    return std::ranges::any_of(prefix_lengths, [](std::int32_t length) { return length > 0; });
  }
  std::int64_t longest_document() const {
    std::int64_t longest = 0;
    for (std::size_t d = 0; d + 1 < doc_starts.size(); ++d)
      longest = std::max<std::int64_t>(longest, doc_starts[d + 1] - doc_starts[d]);
    return longest;
  }
};

}  // namespace caravan::models
