// A checkpoint as a text generator, and as the policy of a preference recipe.
#include "recipes/local_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <fstream>

#include "data/error.h"
#include "recipes/preferences/run_preferences.h"
#include "tests/support/json_file.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::recipes {
namespace {

using data::GenerationRequest;
using data::Json;

GenerationRequest ask(const std::string& text, std::uint64_t seed) {
  return {.messages = {{"user", text, nullptr}}, .max_tokens = 12, .temperature = 1.0, .seed = seed};
}

class LocalModel : public testing::Test {
 protected:
  std::unique_ptr<LocalModelGenerator> make(const std::string& log, std::function<bool()> stop = {},
                                            std::int64_t batch_size = 4,
                                            std::function<void()> make_room = {}) const {
    ModelSource source;
    source.name = "policy";
    source.checkpoint = tests::demo_checkpoint();
    source.batch_size = batch_size;
    source.device = trainer::DeviceChoice::kCpu;
    return make_local_model({source, (dir_ / log).string(), std::move(stop), std::move(make_room)});
  }
  std::size_t num_lines(const std::string& log) const {
    const std::string text = tests::read_bytes(dir_ / log);
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
  const tests::TempDir dir_;
};

TEST_F(LocalModel, ATextDependsOnItsRequestAlone) {
  std::vector<GenerationRequest> requests;
  for (std::uint64_t i = 0; i < 9; ++i)
    requests.push_back(ask("What is 1 + " + std::to_string(i % 3) + "?", i));
  const std::vector<data::Generation> made = make("a")->generate(requests);
  std::reverse(requests.begin(), requests.end());
  const std::vector<data::Generation> again = make("b", {}, 1)->generate(requests);
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(made[i].problem, "");
    EXPECT_EQ(made[i].text, again[made.size() - 1 - i].text);
  }
  EXPECT_NE(made[0].text, made[3].text);  // the same prompt, another seed
  EXPECT_TRUE(made[0].cut);               // random weights rarely end a text
}

TEST_F(LocalModel, WhatWasWrittenIsInTheLog) {
  const std::vector<GenerationRequest> requests{ask("a", 1), ask("b", 2), ask("c", 3)};
  const std::vector<data::Generation> made = make("a")->generate(requests);
  EXPECT_EQ(num_lines("a"), 3u);
  const std::vector<data::Generation> again = make("a")->generate(requests);
  EXPECT_EQ(num_lines("a"), 3u);
  for (std::size_t i = 0; i < made.size(); ++i) EXPECT_EQ(made[i].text, again[i].text);
  // Stopped before the second of two new ones: the first is kept.
  int looks = 0;
  try {
    make(
        "a", [&] { return ++looks > 1; }, 1)
        ->generate(std::vector{ask("d", 1), ask("e", 1), ask("f", 1)});
    FAIL();
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 75);
  }
  EXPECT_EQ(num_lines("a"), 4u);
}

// The same folder with other weights is another model: what it was asked before is asked again.
TEST_F(LocalModel, AnotherCheckpointHasAnotherFingerprint) {
  const std::string copy = (dir_ / "copy").string();
  std::filesystem::copy(tests::demo_checkpoint(), copy, std::filesystem::copy_options::recursive);
  const std::string before = checkpoint_fingerprint(copy);
  EXPECT_EQ(checkpoint_fingerprint(copy), before);
  const std::filesystem::path weights = std::filesystem::path(copy) / "model.safetensors";
  std::filesystem::last_write_time(weights,
                                   std::filesystem::last_write_time(weights) + std::chrono::seconds(1));
  const std::string touched = checkpoint_fingerprint(copy);
  EXPECT_NE(touched, before);
  // So is every other file of it, but for pages that nothing reads.
  for (const char* name : {"README.md", ".gitattributes"})
    std::ofstream(std::filesystem::path(copy) / name) << "x";
  EXPECT_EQ(checkpoint_fingerprint(copy), touched);
  std::ofstream(std::filesystem::path(copy) / "chat_template.jinja") << "x";
  EXPECT_NE(checkpoint_fingerprint(copy), touched);
  EXPECT_THROW(checkpoint_fingerprint((dir_ / "nothing").string()), data::Error);
}

TEST_F(LocalModel, WeightsAreLoadedForWhatTheLogDoesNotAnswer) {
  int loads = 0;
  const auto model = make("a", {}, 4, [&] { ++loads; });
  EXPECT_EQ(loads, 0);
  const std::vector<data::Generation> made = model->generate(std::vector{ask("a", 1)});
  EXPECT_EQ(loads, 1);
  model->generate(std::vector{ask("b", 1)});
  EXPECT_EQ(loads, 1);
  model->release();
  EXPECT_EQ(model->generate(std::vector{ask("a", 1)})[0].text, made[0].text);  // from the log
  EXPECT_EQ(loads, 1);
  model->generate(std::vector{ask("c", 1)});
  EXPECT_EQ(loads, 2);
}

TEST_F(LocalModel, WhatDoesNotFitIsAProblemOfItsRow) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "word ";
  EXPECT_EQ(make("a")->generate(std::vector{ask(text, 1)})[0].problem, "prompt_too_long");
}

TEST_F(LocalModel, APolicyIsSampledForPairs) {
  std::string rows;
  for (int i = 0; i < 6; ++i)
    rows += Json{{"messages",
                  {{{"role", "user"}, {"content", "What is " + std::to_string(i) + " + 1?"}},
                   {{"role", "assistant"}, {"content", std::to_string(i + 1)}}}}}
                .dump() +
            "\n";
  dir_.write("prompts.jsonl", rows);
  const std::string recipe =
      "schema: 1\nstage: prefer\nout: " + (dir_ / "out.jsonl").string() +
      "\nprompts: {path: prompts.jsonl, truth: answer}\nmodels: [{name: policy, device: cpu, checkpoint: \"" +
      tests::demo_checkpoint() +
      "\"}]\nresponses: {per_prompt: 3, max_tokens: 8, keep_cut: true}\nverifier: {reward: string}\n"
      "pairs: {scorer: verifier}\nrun: {dir: " +
      (dir_ / "run").string() + "}\n";
  ASSERT_EQ(run_preferences(read_preference_recipe(dir_.write("p.yaml", recipe)), true, make_local_model), 0);
  // Random weights are wrong: every prompt is a tie, and the answers are there.
  EXPECT_EQ(tests::read_json_lines(dir_ / "out.jsonl").size(), 0u);
  const std::vector<Json> judged = tests::read_json_lines(dir_ / "run/rows/3-verify.jsonl");
  ASSERT_EQ(judged.size(), 6u);
  EXPECT_EQ(judged[2]["ground_truth"], "3");
  EXPECT_EQ(judged[2]["responses"].size(), 3u);
  EXPECT_EQ(judged[2]["responses"][0]["verdict"], "wrong");
}

}  // namespace
}  // namespace caravan::recipes
