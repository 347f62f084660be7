#include "trainer/distributed/backend.h"
#include "trainer/error.h"

namespace caravan::trainer {

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const c10::intrusive_ptr<c10d::Store>&, int, int,
                                                    const c10::Device&, std::chrono::milliseconds) {
  throw Error(Error::Kind::kUsage,
              "this build computes on the CPU only; scripts/build cuda makes one with NCCL");
}

}  // namespace caravan::trainer
