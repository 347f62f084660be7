// CARAVAN_FAULT="RANK WHERE N": the Nth time that this rank is at WHERE, an exception.
#include "trainer/fault_point.h"

#include <atomic>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>

namespace caravan::trainer {

namespace {

struct Fault {
  Fault() {
    const char* const wanted = std::getenv("CARAVAN_FAULT");
    const char* const rank = std::getenv("RANK");
    std::string of_rank;
    if (wanted != nullptr) std::istringstream(wanted) >> of_rank >> where >> left;
    if (rank == nullptr || of_rank != rank) where.clear();
  }
  std::string where;
  int left = 0;
};

}  // namespace

void fault_point(std::string_view where) {
  static const Fault fault;
  static std::atomic<int> seen{0};
  if (fault.where == where && ++seen == fault.left)
    throw std::runtime_error("fault on purpose in " + fault.where);
}

}  // namespace caravan::trainer
