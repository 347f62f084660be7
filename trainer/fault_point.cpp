#include "trainer/fault_point.h"

namespace caravan::trainer {

void fault_point(std::string_view) {}

}  // namespace caravan::trainer
