// A released folder is the checkpoint bit for bit, comes whole or not at all, and is never replaced.
#include "recipes/release/run_release.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "data/chat/checkpoint_template.h"
#include "data/error.h"
#include "recipes/read_recipe.h"
#include "recipes/release/model_card.h"
#include "recipes/release/probe.h"
#include "recipes/stages/input_hashes.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using tests::demo_checkpoint;
using tests::read_bytes;

class ReleaseTest : public testing::Test {
 protected:
  ReleaseTest() {
    fs::copy(demo_checkpoint(), dir_ / "model");
    dir_.write("release.yaml", "schema: 1\nstage: release\nname: camel\nmodel: {path: model}\nrun: {dir: " +
                                   (dir_ / "out").string() + "}\n");
  }
  void release(const std::vector<std::string>& overrides = {}) {
    run_release(read_release_recipe(dir_ / "release.yaml", overrides), {"caravan", "release"}, true);
  }
  std::string refusal(Error::Kind kind, const std::vector<std::string>& overrides = {}) {
    try {
      release(overrides);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "not refused";
    return {};
  }
  std::string bytes(const std::string& name) { return read_bytes((dir_ / name).string()); }

  tests::TempDir dir_;
};

TEST_F(ReleaseTest, HoldsTheCheckpointsBytesAndSums) {
  release();
  for (const auto& entry : fs::directory_iterator(dir_ / "model")) {
    const std::string name = entry.path().filename().string();
    EXPECT_EQ(bytes("out/final/" + name), bytes("model/" + name)) << name;
  }
  EXPECT_FALSE(fs::exists(dir_ / "out/final.partial"));
  // Each line of SHA256SUMS is a hash, two blanks and a file.
  std::istringstream sums(bytes("out/final/SHA256SUMS"));
  std::size_t count = 0;
  for (std::string line; std::getline(sums, line); ++count) {
    const fs::path file = dir_ / "out/final" / line.substr(66);
    EXPECT_EQ(hash_files({{"x", file}}).at("x"), "sha256:" + line.substr(0, 64)) << line;
  }
  EXPECT_EQ(count, 1 +
                       static_cast<std::size_t>(std::distance(fs::directory_iterator(dir_ / "out/final"),
                                                              fs::directory_iterator())) -
                       2);
  const data::Json card = data::Json::parse(bytes("out/final/release.json"));
  EXPECT_EQ(card["name"], "camel");
  EXPECT_GT(card["probe"]["tokens"].get<int>(), 100);
  EXPECT_GT(card["probe"]["answer_tokens"].get<int>(), 6);
}

TEST_F(ReleaseTest, LinksWeightsWhereAsked) {
  release({"run.weights=link"});
  EXPECT_TRUE(fs::equivalent(dir_ / "model/model.safetensors", dir_ / "out/final/model.safetensors"));
  EXPECT_FALSE(fs::equivalent(dir_ / "model/config.json", dir_ / "out/final/config.json"));
}

TEST_F(ReleaseTest, IsKeptWhereItIsTheSameAndNeverReplaced) {
  release();
  const auto written = fs::last_write_time(dir_ / "out/final/README.md");
  release();
  EXPECT_EQ(fs::last_write_time(dir_ / "out/final/README.md"), written);
  std::ofstream(dir_ / "out/final/tokenizer.json", std::ios::app) << " ";
  EXPECT_NE(refusal(Error::Kind::kUnsafe).find("tokenizer.json is not what was released"), std::string::npos);
  std::ofstream(dir_ / "model/generation_config.json", std::ios::app) << "\n";
  EXPECT_NE(refusal(Error::Kind::kUnsafe).find("another checkpoint"), std::string::npos);
}

TEST_F(ReleaseTest, OfWhatAStoppedOneLeftNothingStays) {
  dir_.write("out/recipe.yaml", "schema: 1\nstage: release\n");
  dir_.write("out/final.partial/model.safetensors", "cut");
  release();
  EXPECT_EQ(bytes("out/final/model.safetensors"), bytes("model/model.safetensors"));
}

TEST_F(ReleaseTest, TakesATemplateByNameAndWritesWhatIsMissing) {
  fs::remove(dir_ / "model/generation_config.json");
  release({"model.chat_template=tulu"});
  const std::string folder = (dir_ / "out/final").string();
  EXPECT_EQ(data::choose_template("auto", data::read_checkpoint_template(folder)).fingerprint(),
            data::choose_template("tulu", {}).fingerprint());
  EXPECT_NE(bytes("out/final/generation_config.json").find("\"eos_token_id\""), std::string::npos);
}

TEST_F(ReleaseTest, AnotherTemplateThanTheRunsIsRefused) {
  dir_.write("run/run.json", R"({"hashes":{"chat_template":"0123"}})");
  fs::rename(dir_ / "model", dir_ / "run/final");
  const std::string text = refusal(Error::Kind::kUsage, {"model.path=" + (dir_ / "run/final").string()});
  EXPECT_NE(text.find("not the template that run was trained with"), std::string::npos) << text;
  EXPECT_FALSE(fs::exists(dir_ / "out/final"));
}

TEST_F(ReleaseTest, RefusesFoldersOfSomethingElseAndCodeInWeights) {
  dir_.write("out/notes.txt", "mine");
  refusal(Error::Kind::kUnsafe);
  fs::remove_all(dir_ / "out");
  dir_.write("model/pytorch_model.bin", "x");
  refusal(Error::Kind::kUnsafe);
  EXPECT_FALSE(fs::exists(dir_ / "out/final"));
}

TEST_F(ReleaseTest, AProbeSeesOneBitOfAWeight) {
  const std::string model = (dir_ / "model").string();
  const ProbeResult before = probe_model(model, "auto", {}, at::kCPU);
  EXPECT_EQ(difference_of(before, probe_model(model, "auto", {}, at::kCPU)), "");
  std::string weights = bytes("model/model.safetensors");
  weights[weights.size() - 4 * 32] = static_cast<char>(weights[weights.size() - 4 * 32] ^ 0x40);
  dir_.write("model/model.safetensors", weights);
  EXPECT_NE(difference_of(before, probe_model(model, "auto", {}, at::kCPU)), "");
  const ProbeResult other = probe_model(model, "tulu", {}, at::kCPU);
  EXPECT_EQ(difference_of(before, other), "the chat template is another one");
}

TEST_F(ReleaseTest, UnseenTasksRunHereAndStandOnTheCard) {
  dir_.write("quiz.yaml",
             "schema: 1\nname: quiz\nkind: multiple_choice\nsuite: unseen\ndata: quiz.jsonl\n"
             "prompt: \"{{ q }}\"\nchoices: \"{{ c | tojson }}\"\nanswer: \"{{ a }}\"\n");
  dir_.write("quiz.jsonl", R"({"q": "two plus two is", "c": ["four", "five"], "a": 0})"
                           "\n");
  release({"evaluation.tasks=[" + (dir_ / "quiz.yaml").string() + "]", "card.license=apache-2.0",
           "card.base_model=none/such"});
  const std::string card = bytes("out/final/README.md");
  EXPECT_TRUE(card.starts_with("---\nlicense: \"apache-2.0\"\nbase_model: \"none/such\"\n")) << card;
  EXPECT_NE(card.find("Unseen suite, asked once, at this release:"), std::string::npos);
  EXPECT_NE(card.find("| quiz/acc |"), std::string::npos);
  EXPECT_TRUE(fs::exists(dir_ / "out/evaluation/samples/quiz.jsonl.zst"));
}

TEST(ModelCard, TellsTheStoryAndNoFolders) {
  StageStory stage;
  stage.name = "sft";
  stage.kind = "sft";
  stage.card = data::Json::parse(
      R"({"sizes":{"rows":20,"steps":3},"hashes":{"data:/home/me/secret/rows.jsonl":"sha256:aa"},
          "launches":[{"recipe":{"optimizer.learning_rate":"0.002"}}]})");
  stage.recipe = "model:\n  path: \"/home/me/secret/base\"\n# ```\n";
  stage.data = {{"training rows", 20, {{"trained", 18}, {"dropped: too_long|x", 2}}}};
  CardFacts facts;
  facts.title = "A <b>camel</b>";
  facts.stages = {stage};
  facts.command = {"caravan", "release", "/home/me/secret/release.yaml"};
  const std::string card = model_card({}, facts);
  for (const char* part : {"# A &lt;b>camel", "| sft | sft | 20 | 3 |", "trained 18, dropped: too_long\\|x 2",
                           "path: \"base\"", "````yaml", "caravan release release.yaml", "data:rows.jsonl"})
    EXPECT_NE(card.find(part), std::string::npos) << part << "\n" << card;
  EXPECT_EQ(card.find("secret"), std::string::npos);
  EXPECT_EQ(card.find("license:"), std::string::npos);
}

TEST(ModelCard, FoldersAreCutFromPathsAlone) {
  EXPECT_EQ(without_folders("a: /b/c/d.yaml, e: \"/f/g\"\n/h/i/ 1/2 x/y http://z/w"),
            "a: d.yaml, e: \"g\"\ni/ 1/2 x/y http://z/w");
  EXPECT_EQ(without_folders("[/a/b,/c/d]=/e"), "[b,d]=e");
}

}  // namespace
}  // namespace caravan::recipes
