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

// Longer than anything the fuzzer makes: copies, comparisons and prints of such a document take the stack.
TEST(KeptFiles, OfGreatDepthAreRefused) {
  const auto all = targets();
  const auto target = std::ranges::find(all, std::string_view("kept_files"),
                                        [](const Target& t) { return std::string_view(t.name); });
  ASSERT_NE(target, all.end());
  const std::string deep = std::string(300'000, '[') + std::string(300'000, ']');
  for (char which = 0; which < 11; ++which)
    for (const char* key : {"identity", "stages", "launches", "metrics", "checksums", "messages", "check"}) {
      const std::string bytes = std::string(1, which) + "{\"" + key + "\":" + deep + "}\n";
      EXPECT_NO_THROW(target->run(Input(bytes))) << static_cast<int>(which) << " " << key;
    }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace caravan::fuzz
