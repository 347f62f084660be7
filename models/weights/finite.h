// Finds NaN and infinity in stored weights at the speed of memory. Free of LibTorch.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "models/weights/dtype.h"

namespace caravan::models {

// Flat index of the first element that is NaN or infinite; nothing where all are finite or the dtype is no
// floating one.
std::optional<std::size_t> first_non_finite(std::span<const std::byte> content, Dtype dtype);

}  // namespace caravan::models
