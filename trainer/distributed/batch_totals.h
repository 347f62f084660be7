// Sums over the micro-batches of a step, each of which one rank computes: added in the order of the
// micro-batches, so that any number of ranks gives the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/distributed/process_group.h"

namespace caravan::trainer {

// The rank that computes micro-batch `index` of a step. A rank that has none still takes part in the step.
inline bool is_dealt_to(const ProcessGroup& group, std::size_t index) {
  return index % static_cast<std::size_t>(group.size()) == static_cast<std::size_t>(group.rank());
}

class BatchTotals {
 public:
  // `width` numbers of each of `num_batches` micro-batches, all zero.
  BatchTotals(std::size_t num_batches, std::size_t width)
      : width_(width), numbers_(num_batches * width, 0.0) {}

  // The numbers of a micro-batch of this rank.
  double& at(std::size_t batch, std::size_t column) { return numbers_[batch * width_ + column]; }
  // The sum of each column over the micro-batches of all ranks. All ranks call it.
  std::vector<double> sum(ProcessGroup& group, const std::string& name);

 private:
  std::size_t width_;
  std::vector<double> numbers_;
};

}  // namespace caravan::trainer
