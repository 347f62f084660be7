// Sizes beyond which a config.json is damaged rather than large. Chosen so that no count of elements, bytes
// or parameters of an accepted config overflows 64 bits, and a hostile one cannot make us list millions of
// tensors.
#pragma once

#include <cstdint>

namespace caravan::models {

inline constexpr std::int64_t kMaxVocabSize = 1 << 26;
inline constexpr std::int64_t kMaxHiddenSize = 1 << 20;
inline constexpr std::int64_t kMaxIntermediateSize = 1 << 22;
inline constexpr std::int64_t kMaxLayers = 1 << 12;
inline constexpr std::int64_t kMaxHeads = 1 << 12;
inline constexpr std::int64_t kMaxHeadDim = 1 << 12;
inline constexpr std::int64_t kMaxPositions = std::int64_t{1} << 40;

}  // namespace caravan::models
