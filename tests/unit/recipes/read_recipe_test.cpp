#include "recipes/read_recipe.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "data/error.h"
#include "recipes/pipeline/check_pipeline.h"
#include "recipes/resolved_recipe.h"
#include "tests/unit/recipes/recipe_text.h"

namespace caravan::recipes {
namespace {

using tests::error_of;
using tests::read;
using tests::small_recipe;

TEST(ReadRecipe, APassHoldsTheLongestConversationAndNoMoreThanAStep) {
  EXPECT_EQ(read(small_recipe()).recipe.batch.micro_tokens, 128);
  EXPECT_EQ(read(small_recipe(), {"batch.tokens=128"}).recipe.batch.micro_tokens, 128);
  EXPECT_EQ(read(small_recipe(), {"batch.sequences=4"}).recipe.batch.micro_tokens, 128);
  // One thing is wrong, and one is told.
  EXPECT_EQ(error_of(small_recipe(), {"batch.tokens=64"}),
            "command line: batch.tokens=64: batch.tokens is 64 tokens and data.max_length 128 tokens; a step "
            "must hold the longest conversation: raise tokens or write max_length: 64 tokens");
}

TEST(ReadRecipe, TheLossSectionIsThatOfTheStage) {
  std::string text = small_recipe("loss: {name: dpo_norm, beta: 5}");
  text.replace(text.find("sft"), 3, "dpo");
  const Recipe recipe = read(text, {"batch.tokens=1024", "reference.mode=live"}).recipe;
  EXPECT_EQ(recipe.preference.name, losses::PreferenceLoss::kDpoNorm);
  EXPECT_EQ(recipe.preference.beta, 5.0);
  EXPECT_EQ(recipe.reference.mode, trainer::ReferenceMode::kLive);
  EXPECT_EQ(recipe.row_kind(), data::RowKind::kPair);
  EXPECT_TRUE(recipe.has_reference());
  // Both sides of a pair stand in one pass.
  EXPECT_EQ(recipe.batch.micro_tokens, 256);
  // Written out, it reads as the same again.
  EXPECT_EQ(read(resolved_yaml(recipe)).recipe, recipe);
  EXPECT_FALSE(read(text, {"loss.name=simpo"}).recipe.has_reference());
}

TEST(ReadRecipe, TorchsNamesOfTypesAreKnown) {
  EXPECT_EQ(read(small_recipe(), {"model.dtype=float32"}).recipe.model.dtype, models::DType::kFp32);
  EXPECT_EQ(read(small_recipe(), {"model.dtype=bfloat16"}).recipe.model.dtype, models::DType::kBf16);
}

TEST(ReadRecipe, EveryKeyArrivesInItsMember) {
  const Recipe recipe = read(R"(
schema: 1
stage: sft
name: all keys
model: {path: /m, init: random, dtype: fp32, recompute: every 3 layers}
data:
  sources:
    - {path: a/*.jsonl, format: sharegpt, take: 50 %, weight: 2.5, seed: 7}
    - path: /b.jsonl
      take: "500 rows"
  chat_template: tulu
  train_on: last_assistant
  max_length: 2048 tokens
  too_long: truncate_left
  shuffle: false
  cache_dir: /cache
  tokenizer: tok
  threads: 3
batch: {tokens: 65536, micro_tokens: 8192}
optimizer: {name: adamw, learning_rate: 5.0e-6, betas: [0.8, 0.95], eps: 1e-6, weight_decay: 0.1, max_grad_norm: 0.5}
schedule: {name: wsd, warmup: 3 %, min_lr_rate: 0.1, decay: 20 %}
loss: {reduction: sum, label_smoothing_factor: 0.1, z_loss: 1e-4, neftune_noise_alpha: 5}
run: {dir: /run, epochs: 2, seed: 123, checkpoint_every: 30 minutes, keep: 5, resume: required, threads: 2, deterministic: false,
  device: cpu, log_every: 10}
distributed: {shard: 0}
evaluation: {every: 500 steps, sources: [{path: e.jsonl}], max_rows: 100}
)")
                            .recipe;
  EXPECT_EQ(recipe.name, "all keys");
  EXPECT_EQ(recipe.model.init, models::Init::kRandom);
  EXPECT_EQ(recipe.model.dtype, models::DType::kFp32);
  EXPECT_EQ(recipe.model.recompute.every, 3);
  ASSERT_EQ(recipe.data.sources.size(), 2u);
  EXPECT_EQ(recipe.data.sources[0].path, "/recipes/a/*.jsonl");
  EXPECT_EQ(recipe.data.sources[0].format, data::RowFormat::kSharegpt);
  EXPECT_EQ(recipe.data.sources[0].take, (data::Quantity{50, data::Unit::kPercent}));
  EXPECT_EQ(recipe.data.sources[0].weight, 2.5);
  EXPECT_EQ(recipe.data.sources[0].seed, 7u);
  EXPECT_EQ(recipe.data.sources[1].take, (data::Quantity{500, data::Unit::kRows}));
  EXPECT_EQ(recipe.data.sources[1].seed, std::nullopt);
  EXPECT_EQ(recipe.data.chat_template, "tulu");
  EXPECT_EQ(recipe.data.train_on, data::TrainOn::kLastAssistant);
  EXPECT_EQ(recipe.data.max_length, 2048);
  EXPECT_EQ(recipe.data.too_long, data::TooLong::kTruncateLeft);
  EXPECT_FALSE(recipe.data.shuffle);
  EXPECT_EQ(recipe.data.tokenizer, "/recipes/tok");
  EXPECT_EQ(recipe.data.threads, 3);
  EXPECT_EQ(recipe.batch.tokens, 65536);
  EXPECT_EQ(recipe.batch.sequences, std::nullopt);
  EXPECT_EQ(recipe.batch.micro_tokens, 8192);
  EXPECT_EQ(recipe.optimizer.learning_rate, 5e-6);
  EXPECT_EQ(recipe.optimizer.betas, (std::array{0.8, 0.95}));
  EXPECT_EQ(recipe.optimizer.weight_decay, 0.1);
  EXPECT_EQ(recipe.optimizer.max_grad_norm, 0.5);
  EXPECT_EQ(recipe.schedule.name, trainer::ScheduleName::kWsd);
  EXPECT_EQ(recipe.schedule.warmup, (data::Quantity{3, data::Unit::kPercent}));
  EXPECT_EQ(recipe.schedule.min_lr_rate, 0.1);
  EXPECT_EQ(recipe.schedule.decay, (data::Quantity{20, data::Unit::kPercent}));
  EXPECT_EQ(recipe.loss.reduction, trainer::Reduction::kSum);
  EXPECT_EQ(recipe.loss.z_loss, 1e-4);
  EXPECT_EQ(recipe.run.epochs, 2);
  EXPECT_EQ(recipe.run.seed, 123u);
  EXPECT_EQ(recipe.run.checkpoint_every, (data::Quantity{30, data::Unit::kMinutes}));
  EXPECT_EQ(recipe.run.resume, trainer::Resume::kRequired);
  EXPECT_EQ(recipe.run.device, trainer::DeviceChoice::kCpu);
  EXPECT_FALSE(recipe.run.deterministic);
  EXPECT_EQ(recipe.evaluation.every, (data::Quantity{500, data::Unit::kSteps}));
  EXPECT_EQ(recipe.evaluation.sources.at(0).path, "/recipes/e.jsonl");
  EXPECT_EQ(recipe.evaluation.max_rows, 100);
}

TEST(ReadRecipe, AbsentKeysKeepTheirDefaults) {
  const Recipe recipe = read(small_recipe()).recipe;
  Recipe expected;
  expected.name = "small";
  expected.model.path = "/recipes/model";
  expected.data.sources = {data::SourceOptions{.path = "/recipes/rows.jsonl"}};
  expected.data.max_length = 128;
  expected.batch = {.tokens = 1024, .micro_tokens = 128};  // micro_tokens follows data.max_length
  expected.optimizer.learning_rate = 1e-3;
  expected.run.dir = (std::filesystem::current_path() / "runs/small").string();
  expected.run.max_steps = 10;
  EXPECT_TRUE(recipe == expected);
}

TEST(ReadRecipe, SectionWithoutKeysIsASectionLeftOut) {
  EXPECT_TRUE(read(small_recipe("loss:\n  # z_loss: 1e-4")).recipe == read(small_recipe("# nothing")).recipe);
}

TEST(ReadRecipe, AllErrorsComeTogetherInOrder) {
  EXPECT_EQ(error_of("schema: 1\nstage: sft\nmodel: {path: m, dtype: fp16}\nbatch: {tokens: -1}\nrun: {dir: "
                     "r, epoch: 2}\n"
                     "optimizer: {learning_rate: fast}\ndata: {sources: [{path: a}], max_length: 4096}\n",
                     {"run.keep=-1"}),
            "r.yaml: run.epochs and run.max_steps are both missing; exactly one is needed: write run: "
            "{epochs: 2} or run: "
            "{max_steps: 100}\n"
            "r.yaml:3:25: model.dtype: found \"fp16\"; allowed: bf16, fp32\n"
            "r.yaml:4:17: batch.tokens: found -1; allowed: a whole number of tokens of at least 1\n"
            "r.yaml:5:15: run.epoch: unknown key; did you mean epochs?\n"
            "r.yaml:6:28: optimizer.learning_rate: found \"fast\"; allowed: a number above 0 and at most 1\n"
            "r.yaml:7:42: data.max_length: found 4096, a number without a unit; write \"4096 tokens\"\n"
            "command line: run.keep=-1: found -1; allowed: a whole number of at least 0");
}

TEST(ReadRecipe, VariablesAreText) {
  EXPECT_EQ(read(small_recipe("name: ${HOME}/$USER")).recipe.name, "${HOME}/$USER");
}

TEST(ReadRecipe, TemplateIsAPathWhenItLooksLikeOne) {
  const auto resolved = [](const std::string& written) {
    return read(small_recipe(), {"data.chat_template=" + written}).recipe.data.chat_template;
  };
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(resolved("auto"), "auto");
  EXPECT_EQ(resolved("tulu"), "tulu");
  EXPECT_EQ(resolved("mine.jinja"), here + "/mine.jinja");
  EXPECT_EQ(resolved("../t/mine.txt"),
            (std::filesystem::current_path().parent_path() / "t/mine.txt").string());
}

TEST(ReadRecipe, FileThatIsNotThere) {
  try {
    read_recipe("no/such/recipe.yaml");
    FAIL() << "accepted";
  } catch (const data::Error& error) {
    EXPECT_STREQ(error.what(), "no/such/recipe.yaml: no such file; a recipe is a YAML file that can be read");
    EXPECT_EQ(error.exit_code(), 2);
  }
  EXPECT_THROW(read_recipe("tests"), data::Error);
}

TEST(ReadRecipe, EveryShippedRecipeIsValid) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(CARAVAN_SOURCE_DIR "/recipes")) {
    // Task files are no recipes: read_task_test reads them.
    if (entry.path().extension() != ".yaml" || entry.path().parent_path().filename() == "tasks") continue;
    ++count;
    const std::string stage = recipe_stage(entry.path());
    if (stage == "data") {
      EXPECT_NO_THROW(read_data_recipe(entry.path())) << entry.path();
    } else if (stage == "synthesize") {
      EXPECT_NO_THROW(read_synthesis_recipe(entry.path())) << entry.path();
    } else if (stage == "prefer") {
      EXPECT_NO_THROW(read_preference_recipe(entry.path())) << entry.path();
    } else if (stage == "evaluate") {
      EXPECT_NO_THROW(read_evaluation_recipe(entry.path())) << entry.path();
    } else if (stage == "release") {
      EXPECT_NO_THROW(read_release_recipe(entry.path())) << entry.path();
    } else if (stage == "stages") {
      EXPECT_NO_THROW(check_pipeline(read_pipeline_recipe(entry.path()))) << entry.path();
    } else {
      EXPECT_NO_THROW(read_recipe(entry.path())) << entry.path();
    }
  }
  EXPECT_GE(count, 3);
}

TEST(ReadRecipe, TuluRecipeHasTheNumbersOfTheReport) {
  const Recipe recipe = read_recipe(CARAVAN_SOURCE_DIR "/recipes/llama3_8b/sft.yaml").recipe;
  EXPECT_EQ(recipe.batch.sequences, 128);
  EXPECT_EQ(recipe.optimizer.learning_rate, 5e-6);
  EXPECT_EQ(recipe.optimizer.betas, (std::array{0.9, 0.999}));
  EXPECT_EQ(recipe.optimizer.weight_decay, 0.0);
  EXPECT_EQ(recipe.optimizer.max_grad_norm, 1.0);
  EXPECT_EQ(recipe.schedule.name, trainer::ScheduleName::kLinear);
  EXPECT_EQ(recipe.schedule.warmup, (data::Quantity{3, data::Unit::kPercent}));
  EXPECT_EQ(recipe.loss.reduction, trainer::Reduction::kSum);
  EXPECT_EQ(recipe.data.max_length, 4096);
  EXPECT_EQ(recipe.run.epochs, 2);
  EXPECT_EQ(recipe.run.seed, 123u);
}

}  // namespace
}  // namespace caravan::recipes
