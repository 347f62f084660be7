// Whether this program was built for GPUs, and what to do where it was not.
#pragma once

namespace caravan::recipes {

inline constexpr bool kBuiltForCuda = CARAVAN_BUILT_FOR_CUDA != 0;
inline constexpr const char* kCpuBuild =
    "this build computes on the CPU only; for one that uses GPUs: scripts/setup cuda && scripts/build cuda";

}  // namespace caravan::recipes
