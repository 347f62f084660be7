// Where the documents of a packed row of tokens begin and end.
#pragma once

#include <cstdint>
#include <vector>

namespace caravan::models {

// T tokens, N documents one after the other, nothing between them; attention stays inside a document.
struct PackedLayout {
  std::vector<std::int32_t> positions;   // [T] rotary positions, usually 0, 1, 2, ... in each document
  std::vector<std::int32_t> doc_starts;  // [N + 1] ascending from 0 to T

  std::int64_t num_tokens() const { return static_cast<std::int64_t>(positions.size()); }
  std::int64_t num_documents() const { return static_cast<std::int64_t>(doc_starts.size()) - 1; }
};

}  // namespace caravan::models
