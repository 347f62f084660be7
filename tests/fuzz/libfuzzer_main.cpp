// libFuzzer's entry. CARAVAN_FUZZ_TARGET names the target.
#include <cstdlib>

#include "tests/fuzz/fuzz_input.h"

namespace {

const caravan::fuzz::Target& chosen() {
  using namespace caravan::fuzz;
  const char* const wanted = std::getenv("CARAVAN_FUZZ_TARGET");
  const auto found = std::ranges::find_if(targets(), [&](const Target& target) {
    return wanted != nullptr && target.name == std::string(wanted);
  });
  if (found != targets().end()) return *found;
  std::fputs("fuzzer: CARAVAN_FUZZ_TARGET names no target; allowed:", stderr);
  for (const Target& target : targets()) std::fprintf(stderr, " %s", target.name);
  std::fputs("\n", stderr);
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* bytes, std::size_t size) {
  static const caravan::fuzz::Target& target = chosen();
  target.run(caravan::fuzz::Input({reinterpret_cast<const char*>(bytes), size}));
  return 0;
}
