// Where the documents of a packed row of tokens begin and end.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace caravan::models {

// T tokens, N documents one after the other, nothing between them; attention stays inside a document.
struct PackedLayout {
  std::vector<std::int32_t> positions = {};   // [T] rotary positions, usually 0, 1, ... in each document
  std::vector<std::int32_t> doc_starts = {};  // [N + 1] ascending from 0 to T
  // The same, int64 and int32, on a device that is not the CPU: copied once a pass, by Llama::context.
  at::Tensor positions_T = {}, doc_starts_N = {};

  std::int64_t num_tokens() const { return static_cast<std::int64_t>(positions.size()); }
  std::int64_t num_documents() const { return static_cast<std::int64_t>(doc_starts.size()) - 1; }
  std::int64_t longest_document() const {
    std::int64_t longest = 0;
    for (std::size_t d = 0; d + 1 < doc_starts.size(); ++d)
      longest = std::max<std::int64_t>(longest, doc_starts[d + 1] - doc_starts[d]);
    return longest;
  }
};

}  // namespace caravan::models
