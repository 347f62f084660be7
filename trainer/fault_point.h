// Places where tests make a run fail on purpose. In the program this does nothing; the tests link an engine
// of their own, whose fault_point obeys CARAVAN_FAULT (tests/faults/fault_point.cpp).
#pragma once

#include <string_view>

namespace caravan::trainer {

// `where`: "data" (the thread that reads the next step), "compute" (a micro-batch), "write" (the thread that
// writes a checkpoint).
void fault_point(std::string_view where);

}  // namespace caravan::trainer
