// Many requests, asked a few thousand at a time: enough to keep a server busy to the end of a slice, few
// enough that prompts and replies of millions never lie in memory together.
#pragma once

#include <cstddef>
#include <functional>

#include "data/text_generator.h"

namespace caravan::data {

inline constexpr std::size_t kMaxRequestsAtOnce = 4096;

// Makes the requests 0 to count - 1, each just before it is asked, and gives what came of each, in order.
// Throws as the generator, and Error (internal) where it gives another number of texts.
void ask_in_slices(TextGenerator& generator, std::size_t count,
                   const std::function<GenerationRequest(std::size_t)>& make,
                   const std::function<void(std::size_t, const GenerationRequest&, Generation&)>& take);

}  // namespace caravan::data
