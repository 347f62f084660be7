// scripts/equality on a shorter process of the same stages: killed anywhere, and on two ranks, it ends with
// the same. The real one takes minutes and is run by hand.
#include "tests/operator/operator_run.h"

namespace caravan {
namespace {

class Equality : public OperatorRun {
 protected:
  static int equality(const std::vector<std::string>& more) {
    std::vector<std::string> words{"/usr/bin/env", "python3", CARAVAN_SOURCE_DIR "/scripts/equality"};
    words.insert(words.end(), more.begin(), more.end());
    return Program(words, path("log")).wait();
  }
};

TEST_F(Equality, KilledTwelveTimesAndOnTwoRanks) {
  const std::string folder = path("equal");
  ASSERT_EQ(equality({folder, "--small", "--kills", "12", "--caravan", kProgram}), 0) << log();
  EXPECT_TRUE(has(log(), "(12 kills)")) << log();
  for (const char* stage : {"data", "practice", "sft", "pairs", "dpo", "rlvr", "release"})
    EXPECT_TRUE(fs::exists(folder + "/undisturbed/pipeline.json") &&
                has(tests::read_bytes(folder + "/killed/pipeline.json"), "\"" + std::string(stage) + "\""))
        << stage;
  std::cout << log();
  // What differs is found: a weight, a score, a row's fate.
  EXPECT_EQ(equality({"--compare", folder + "/undisturbed", folder + "/killed"}), 0) << log();
  const std::string weights = folder + "/killed/5-dpo/final/model.safetensors",
                    ledger = folder + "/killed/3-sft/data/ledger.jsonl";
  for (const std::string& file : {weights, ledger}) {
    const std::string before = tests::read_bytes(file);
    std::string after = before;
    after[after.size() / 2] = static_cast<char>(after[after.size() / 2] ^ 1);
    tests::write_bytes(file, after);
    EXPECT_EQ(equality({"--compare", folder + "/undisturbed", folder + "/killed"}), 1) << log();
    EXPECT_TRUE(has(log(), fs::path(file).filename().string())) << log();
    tests::write_bytes(file, before);
  }
}

}  // namespace
}  // namespace caravan
