// Memory that losses on whole answers may take for logits until they know what each token is to learn. No
// LibTorch, so that a plan knows it.
#pragma once

#include <cstdint>

namespace caravan::trainer {

// Longer answers walk through the head twice.
constexpr std::int64_t kept_logits_bytes(bool on_host) {
  return std::int64_t{on_host ? 128 : 1024} << 20;
}

}  // namespace caravan::trainer
