// How much one render may cost. The defaults are far above what real templates need and far below what hurts.
#pragma once

#include <cstddef>

namespace caravan::data {

struct RenderLimits {
  std::size_t steps = 5'000'000;          // evaluated nodes; bulk work counts by its size
  std::size_t depth = 200;                // macro calls inside each other
  std::size_t output_bytes = 64u << 20;   // of text
  std::size_t memory_bytes = 512u << 20;  // of intermediate values
};

}  // namespace caravan::data
