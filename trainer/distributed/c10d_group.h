// ProcessGroup over a backend of c10d: each call is numbered and named for the Watch, and waited for together
// with it.
#pragma once

#include <memory>

#include "trainer/distributed/backend.h"
#include "trainer/distributed/process_group.h"
#include "trainer/distributed/watch.h"

namespace caravan::trainer {

// `device`: of all tensors; decides how they are waited for. Several groups may live in one process.
std::unique_ptr<ProcessGroup> make_c10d_group(int rank, int size, const c10::Device& device,
                                              c10::intrusive_ptr<c10d::Backend> backend,
                                              std::unique_ptr<Watch> watch);

}  // namespace caravan::trainer
