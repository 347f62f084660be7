// libFuzzer's entry: the one target that is linked.
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  using namespace caravan::fuzz;
  targets().front().run(Input({reinterpret_cast<const char*>(bytes), size}));
  return 0;
}
