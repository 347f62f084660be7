// What stage dpo refuses: rows of another kind, another architecture or tokenizer, a cache that is not what
// the reference says.
#include "tests/preferences/pairs_fixture.h"

namespace caravan {
namespace {

class BadReferenceTest : public PairsTest {
 protected:
  static void expect_refused(int code, const std::vector<std::string>& parts, const Words& more) {
    EXPECT_EQ(train("refused", more), code) << log();
    for (const std::string& part : parts)
      EXPECT_NE(log().find(part), std::string::npos) << part << "\n" << log();
  }
  // A checkpoint of one step, to compare with.
  static std::string checkpoint(const std::string& name) {
    EXPECT_EQ(train(name, {"run.max_steps=2", "evaluation=null"}), 0) << log();
    return path(name) + "/final";
  }
};

TEST_F(BadReferenceTest, RowsOfAnotherKind) {
  expect_refused(2, {"format", "found messages", "preference"}, {"data.sources.0.format=messages"});
  expect_refused(65, {"demo/train.jsonl"},
                 {"data.sources.0.path=" + path("demo/train.jsonl"), "data.sources.0.format=auto"});
  const std::string sft =
      "schema: 1\nstage: sft\nmodel: {path: demo, init: random}\ndata: {sources: [{path: pairs.jsonl}], "
      "max_length: 128 tokens}\nbatch: {tokens: 1024}\noptimizer: {learning_rate: 1e-3}\nrun: {dir: " +
      path("sft") + ", max_steps: 1}\n";
  dir_->write("sft.yaml", sft);
  EXPECT_EQ(run({"train", path("sft.yaml")}), 65) << log();
  EXPECT_NE(log().find("pairs.jsonl"), std::string::npos) << log();
  EXPECT_EQ(run({"validate", path("sft.yaml")}), 65) << log();
}

TEST_F(BadReferenceTest, SettingsWithoutSense) {
  expect_refused(2, {"loss.beta"}, {"loss.beta=0"});
  expect_refused(2, {"loss.gamma_beta_ratio", "does not use it"}, {"loss.gamma_beta_ratio=0.3"});
  expect_refused(2, {"loss.reduction", "stage sft"}, {"loss.reduction=sum"});
  expect_refused(2, {"reference.mode", "compares with no reference"},
                 {"loss.name=simpo", "reference.mode=live"});
}

TEST_F(BadReferenceTest, AnotherArchitecture) {
  const std::string other = checkpoint("other");
  json config = json::parse(tests::read_bytes(other + "/config.json"));
  config["num_hidden_layers"] = 3;
  dir_->write("other/final/config.json", config.dump());
  expect_refused(65, {"num_hidden_layers is 3", "and of", " 2"}, {"reference.path=" + other});
}

TEST_F(BadReferenceTest, AnotherTokenizer) {
  const std::string other = checkpoint("spoken");
  json tokenizer = json::parse(tests::read_bytes(other + "/tokenizer.json"));
  tokenizer["added_tokens"].back()["content"] = "<|something_else|>";
  dir_->write("spoken/final/tokenizer.json", tokenizer.dump());
  EXPECT_NE(train("refused", {"reference.path=" + other}), 0) << log();
  EXPECT_NE(log().find("tokenizer"), std::string::npos) << log();
}

TEST_F(BadReferenceTest, ACacheOfAnotherReferenceIsNotUsed) {
  const std::string cache = "reference.cache_dir=" + path("shared");
  ASSERT_EQ(train("first", {cache, "run.max_steps=2", "evaluation=null"}), 0) << log();
  // The weights are others: another entry, and why.
  ASSERT_EQ(run({"train", path("recipe.yaml"), "run.dir=" + path("second"), cache, "run.max_steps=2",
                 "evaluation=null", "run.seed=6"}),
            0)
      << log();
  EXPECT_NE(log().find("random weights of seed (5 -> 6)"), std::string::npos) << log();
  // The same again: found, and verified.
  ASSERT_EQ(run({"train", path("recipe.yaml"), "run.dir=" + path("third"), cache, "run.max_steps=2",
                 "evaluation=null"}),
            0)
      << log();
  EXPECT_NE(log().find("verified on a sample"), std::string::npos) << log();
}

TEST_F(BadReferenceTest, DamagedPartsAreComputedAgain) {
  const std::string cache = "reference.cache_dir=" + path("damaged-cache");
  ASSERT_EQ(train("undamaged", {cache, "run.max_steps=2", "evaluation=null"}), 0) << log();
  fs::path part;
  for (const auto& entry : fs::recursive_directory_iterator(path("damaged-cache")))
    if (entry.path().filename() == "part-00000.ref") part = entry.path();
  std::string bytes = tests::read_bytes(part);
  bytes.back() ^= 1;
  std::ofstream(part, std::ios::binary) << bytes;
  ASSERT_EQ(run({"train", path("recipe.yaml"), "run.dir=" + path("repaired"), cache, "run.max_steps=2",
                 "evaluation=null"}),
            0)
      << log();
  EXPECT_NE(log().find("fails its checksum"), std::string::npos) << log();
  expect_same("undamaged", "repaired");
}

}  // namespace
}  // namespace caravan
