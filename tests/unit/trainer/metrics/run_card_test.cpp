#include "trainer/metrics/run_card.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using tests::read_bytes;
using tests::TempDir;
using tests::write_bytes;

Launch example_launch(std::int64_t first_step) {
  Launch launch;
  launch.started = std::chrono::system_clock::time_point(std::chrono::seconds(1769860800));
  launch.command = {"caravan", "train", "x.yaml"};
  launch.versions = {{"caravan", "0.1.0"}};
  launch.recipe = {{"optimizer.learning_rate", "1e-05"}};
  launch.first_step = first_step;
  return launch;
}

RunIdentity example_run() {
  return {"sft", 42, {{"recipe", "abc"}, {"tokenizer", "def"}}, {{"parameters", 1000}}};
}

nlohmann::json card_of(const TempDir& dir) {
  return nlohmann::json::parse(read_bytes(dir / "run.json"));
}

TEST(RunCard, EveryLaunchIsListed) {
  const TempDir dir;
  write_run_card(dir / "run.json", example_run(), example_launch(1));
  Ending ending{"stopped", "SIGTERM", 10, {}, {{"tokens", 81665}}, {}};
  ending.ended = std::chrono::system_clock::time_point(std::chrono::seconds(1769860900));
  close_run_card(dir / "run.json", ending);
  write_run_card(dir / "run.json", example_run(), example_launch(11));
  const auto card = card_of(dir);
  EXPECT_EQ(card["seed"], 42);
  EXPECT_EQ(card["hashes"]["tokenizer"], "def");
  ASSERT_EQ(card["launches"].size(), 2u);
  EXPECT_EQ(card["launches"][0]["outcome"], "stopped");
  EXPECT_EQ(card["launches"][0]["reason"], "SIGTERM");
  EXPECT_EQ(card["launches"][0]["last_step"], 10);
  EXPECT_EQ(card["launches"][0]["ended"], "2026-01-31T12:01:40.000Z");
  EXPECT_EQ(card["launches"][0]["totals"]["tokens"], 81665);
  EXPECT_EQ(card["launches"][0]["recipe"]["optimizer.learning_rate"], "1e-05");
  EXPECT_EQ(card["sizes"]["parameters"], 1000);
  EXPECT_FALSE(card.contains("final_hashes"));
  EXPECT_EQ(card["launches"][0]["started"], "2026-01-31T12:00:00.000Z");
  EXPECT_EQ(card["launches"][1]["first_step"], 11);
  EXPECT_FALSE(card["launches"][1].contains("outcome"));
  EXPECT_FALSE(std::filesystem::exists(dir / "run.json.writing"));
}

TEST(RunCard, ALaunchThatWasKilledIsLost) {
  const TempDir dir;
  write_run_card(dir / "run.json", example_run(), example_launch(1));
  write_run_card(dir / "run.json", example_run(), example_launch(1));
  EXPECT_TRUE(is_card_open(dir / "run.json"));
  close_run_card(dir / "run.json", {"done", "", 24, {}, {}, {{"model.safetensors", "abc"}}});
  EXPECT_FALSE(is_card_open(dir / "run.json"));
  const auto card = card_of(dir);
  EXPECT_EQ(card["launches"][0]["outcome"], "lost");
  EXPECT_EQ(card["launches"][1]["outcome"], "done");
  EXPECT_EQ(card["final_hashes"]["model.safetensors"], "abc");
}

TEST(RunCard, AnotherRunsCardIsRefusedWithTheDifferences) {
  const TempDir dir;
  write_run_card(dir / "run.json", example_run(), example_launch(1));
  RunIdentity other = example_run();
  other.hashes = {{"recipe", "xyz"}, {"weights", "123"}};
  const std::string before = read_bytes(dir / "run.json");
  try {
    write_run_card(dir / "run.json", other, example_launch(1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::kUnsafe);
    const std::string text = error.what();
    EXPECT_NE(text.find("recipe: before \"abc\", now xyz"), std::string::npos) << text;
    EXPECT_NE(text.find("weights: not there before, now 123"), std::string::npos) << text;
    EXPECT_NE(text.find("tokenizer: before \"def\", not there now"), std::string::npos) << text;
  }
  EXPECT_EQ(read_bytes(dir / "run.json"), before);
}

TEST(RunCard, WhatIsNoCardIsRefused) {
  const TempDir dir;
  for (const char* text :
       {"", "{", "[]", "{\"schema\":1}", "{\"schema\":2,\"launches\":[{}],\"hashes\":{}}",
        "{\"schema\":1,\"launches\":[3],\"hashes\":{}}", "{\"schema\":1,\"launches\":[{}],\"hashes\":[]}"}) {
    write_bytes(dir / "run.json", text);
    EXPECT_THROW(write_run_card(dir / "run.json", example_run(), example_launch(1)), Error) << text;
    EXPECT_EQ(read_bytes(dir / "run.json"), text);
  }
}

TEST(RunCard, EnvironmentKeepsSettingsAndNoSecrets) {
  const char* environment[] = {"OMP_NUM_THREADS=2", "HF_TOKEN=s1", "CARAVAN_API_KEY=s2", "SLURM_JWT=s3",
                               "PATH=/bin",         "RANK=3",      "NCCL_DEBUG=INFO",    "broken",
                               "HOME=/home/me",     nullptr};
  EXPECT_EQ(
      relevant_environment(environment),
      (std::map<std::string, std::string>{{"NCCL_DEBUG", "INFO"}, {"OMP_NUM_THREADS", "2"}, {"RANK", "3"}}));
}

}  // namespace
}  // namespace caravan::trainer
