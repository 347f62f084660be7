// The JSON of a safetensors header, read as a stream: memory stays in proportion to the tensors, whatever the
// bytes say.
#pragma once

#include <string>
#include <string_view>

#include "models/weights/safetensors_header.h"

namespace caravan::models {

// Tensors in file order, offsets relative to the data. Checks form and types only: names may repeat, ranges
// may be anything. Throws Error (65) with `path`, and the tensor's name where it is one tensor's fault.
SafetensorsHeader parse_header_json(std::string_view text, const std::string& path);

}  // namespace caravan::models
