#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <cstdlib>

#include "trainer/distributed/backend.h"

namespace caravan::trainer {

using namespace std::chrono_literals;

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                                    int size, const c10::Device& device,
                                                    std::chrono::milliseconds join_timeout) {
  // The Watch ends a run whose rank is lost, with a reason. LibTorch's own watch would abort the process
  // first, without one; torchrun switches it on for all.
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", 1);
  setenv("TORCH_NCCL_ENABLE_MONITORING", "0", 0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = join_timeout;
  auto nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
  nccl->setBoundDeviceId(device);
  nccl->eagerConnectSingleDevice(device);
  nccl->setTimeout(24h);
  return nccl;
}

}  // namespace caravan::trainer
