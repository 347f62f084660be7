// `caravan doctor` with what only the engine can tell: LibTorch's threads and the speed of its products.
#pragma once

#include <span>
#include <string>

namespace caravan::recipes {

int run_engine_doctor(std::span<const std::string> args);

}  // namespace caravan::recipes
