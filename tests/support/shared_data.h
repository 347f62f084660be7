// Where the reference data lies that is not part of the project.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace caravan::tests {

// ../shared/data beside the checkout, or CARAVAN_SHARED_DATA. Empty where absent: the test then skips with
// SKIP_WITHOUT_SHARED_DATA.
inline std::filesystem::path shared_data() {
  const char* named = std::getenv("CARAVAN_SHARED_DATA");
  std::filesystem::path path =
      named ? std::filesystem::path(named) : std::filesystem::path(CARAVAN_SOURCE_DIR) / "../shared/data";
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored) ? path : std::filesystem::path();
}

}  // namespace caravan::tests

#define SKIP_WITHOUT_SHARED_DATA()                                                                     \
  if (caravan::tests::shared_data().empty()) {                                                         \
    GTEST_SKIP() << "reference data is absent: no ../shared/data, and CARAVAN_SHARED_DATA is not set"; \
  }
