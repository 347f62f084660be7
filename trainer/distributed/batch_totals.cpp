#include "trainer/distributed/batch_totals.h"

namespace caravan::trainer {

std::vector<double> BatchTotals::sum(ProcessGroup& group, const std::string& name) {
  // Each number is of one rank and zero on the others: this sum only moves them.
  group.all_reduce(std::span(numbers_), Reduce::kSum, name);
  std::vector<double> totals(width_, 0.0);
  for (std::size_t i = 0; i < numbers_.size(); ++i) totals[i % width_] += numbers_[i];
  return totals;
}

}  // namespace caravan::trainer
