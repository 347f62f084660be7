// The libraries that move tensors between ranks, each in a file of its own because their headers are slow to
// read.
#pragma once

#include <c10/core/Device.h>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <string>

namespace caravan::trainer {

// Meets the other ranks in `store`: returns when all are connected. `address`: of this machine as the others
// see it. Throws c10::Error.
c10::intrusive_ptr<c10d::Backend> make_gloo_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                    int size, const std::string& address,
                                                    std::chrono::milliseconds join_timeout);
// For tensors of one CUDA device, which no other rank uses. Throws Error (usage) in a build without CUDA.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                    int size, const c10::Device& device,
                                                    std::chrono::milliseconds join_timeout);

}  // namespace caravan::trainer
