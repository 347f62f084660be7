// The group of a test that has one rank.
#pragma once

#include "trainer/distributed/process_group.h"

namespace caravan::tests {

inline trainer::ProcessGroup& alone() {
  static const auto group = trainer::make_single_group();
  return *group;
}

}  // namespace caravan::tests
