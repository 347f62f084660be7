// ProcessGroup over backends of c10d: Gloo for what is on the host, NCCL for what is on a device. Each call
// is numbered and named for the Watch, and waited for together with it.
#pragma once

#include <memory>

#include "trainer/distributed/backend.h"
#include "trainer/distributed/process_group.h"
#include "trainer/distributed/watch.h"

namespace caravan::trainer {

// `store`: where the backend of a device meets, when there is one. Several groups may live in one process.
std::unique_ptr<ProcessGroup> make_c10d_group(int rank, int size,
                                              c10::intrusive_ptr<c10d::Backend> host_backend,
                                              std::unique_ptr<Watch> watch,
                                              c10::intrusive_ptr<c10d::Store> store);

}  // namespace caravan::trainer
