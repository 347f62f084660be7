#include "recipes/versions.h"

#include <torch/version.h>
#include <zlib.h>
#include <zstd.h>

#include "models/ops/cpu/kernels.h"

namespace caravan::recipes {

std::map<std::string, std::string> linked_versions() {
  return {{"caravan", CARAVAN_VERSION},     {"libtorch", TORCH_VERSION},
          {"compiler", "g++ " __VERSION__}, {"zlib", zlibVersion()},
          {"zstd", ZSTD_versionString()},   {"cpu_kernels", models::cpu::kernel_isa()}};
}

}  // namespace caravan::recipes
