// Every kept input of every target: seeds, and what the fuzzer once found.
#include <gtest/gtest.h>

#include "tests/fuzz/fuzz_input.h"

namespace caravan::fuzz {
namespace {

namespace fs = std::filesystem;

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, IsReadOrRefused) {
  std::size_t inputs = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(CARAVAN_SOURCE_DIR) / "tests/fuzz/corpus" / GetParam().name)) {
    const std::string bytes = tests::read_bytes(entry.path());
    EXPECT_NO_THROW(GetParam().run(Input(bytes))) << entry.path();
    // Cut off anywhere, it is an input too.
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 64)
      EXPECT_NO_THROW(GetParam().run(Input(std::string_view(bytes).substr(0, size))))
          << entry.path() << " cut at " << size;
    ++inputs;
  }
  EXPECT_GT(inputs, 0u);
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace caravan::fuzz
