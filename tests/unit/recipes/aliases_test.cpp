#include "recipes/reader/aliases.h"

#include <gtest/gtest.h>

#include <string>

#include "recipes/field_list.h"
#include "recipes/recipe.h"
#include "tests/unit/recipes/recipe_text.h"

namespace caravan::recipes {
namespace {

using tests::error_of;
using tests::read;
using tests::small_recipe;

// Settings as they stand in a Trainer's configuration, pasted under schema and stage.
constexpr const char* kPasted = R"(schema: 1
stage: sft
model_name_or_path: /m
tokenizer_name_or_path: /t
dataset_mixer_list: [/a.jsonl, 1.0, /b.jsonl, 0.07, /c.jsonl, 500]
chat_template_name: tulu
max_seq_length: 4096
per_device_train_batch_size: 4
gradient_accumulation_steps: 8
learning_rate: 5.0e-6
weight_decay: 0.1
adam_beta2: 0.95
adam_epsilon: 1e-6
clip_grad_norm: -1
optim: adamw_torch_fused
lr_scheduler_type: cosine
warmup_ratio: 0.03
num_train_epochs: 2.0
max_steps: -1
bf16: true
fp16: false
gradient_checkpointing: true
packing: true
seed: 123
output_dir: /out
save_steps: 500
save_total_limit: 3
logging_steps: 10
reduce_loss: sum
resume_from_checkpoint: false
)";

TEST(Aliases, APastedConfigurationMeansTheSame) {
  const ReadRecipe pasted = read(kPasted);
  const Recipe own = read(R"(
schema: 1
stage: sft
model: {path: /m, dtype: bf16, recompute: all}
data:
  sources: [{path: /a.jsonl}, {path: /b.jsonl, take: 7 %}, {path: /c.jsonl, take: 500 rows}]
  chat_template: tulu
  tokenizer: /t
  max_length: 4096 tokens
batch: {sequences: 32}
optimizer: {learning_rate: 5.0e-6, weight_decay: 0.1, betas: [0.9, 0.95], eps: 1e-6, max_grad_norm: 0}
schedule: {name: cosine, warmup: 3 %}
loss: {reduction: sum}
run: {dir: /out, epochs: 2, seed: 123, checkpoint_every: 500 steps, keep: 3, log_every: 10, resume: never}
)")
                         .recipe;
  EXPECT_TRUE(pasted.recipe == own);
  // One note for each of the 28 lines, the two batch sizes together.
  EXPECT_EQ(pasted.notes.size(), 27u);
}

TEST(Aliases, EachMappingIsSaid) {
  const ReadRecipe result = read(small_recipe("warmup_ratio: 0.07"));
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_EQ(result.notes[0], "r.yaml:3:1: warmup_ratio is read as schedule.warmup: 7 %");
}

TEST(Aliases, AliasAndOwnKeyTogetherAreAnError) {
  EXPECT_EQ(error_of(small_recipe("learning_rate: 1e-4")),
            "r.yaml:3:1: learning_rate (optimizer.learning_rate): optimizer.learning_rate is also given, at "
            "r.yaml:7:28; keep one");
  EXPECT_EQ(
      error_of(small_recipe("warmup_ratio: 0.1\nwarmup_steps: 5")),
      "r.yaml:4:1: warmup_steps (schedule.warmup): schedule.warmup is also given, at r.yaml:3:15; keep one");
}

TEST(Aliases, ErrorsNameTheWordThatWasWritten) {
  EXPECT_EQ(error_of(small_recipe("weight_decay: much")),
            "r.yaml:3:15: weight_decay (optimizer.weight_decay): found \"much\"; allowed: a number of at "
            "least 0 and at most 1");
}

TEST(Aliases, WhatCannotBeHonouredIsRefused) {
  EXPECT_EQ(error_of(small_recipe("fp16: true")),
            "r.yaml:3:7: fp16: found true; not offered: model.dtype is bf16 or fp32");
  EXPECT_EQ(error_of(small_recipe("reduce_loss: mean")).substr(0, 60),
            "r.yaml:3:14: reduce_loss (loss.reduction): found \"mean\", a m");
  EXPECT_EQ(error_of(small_recipe("save_steps: 0.1")),
            "r.yaml:3:13: save_steps (run.checkpoint_every): found 0.1; a share of the run has no key here: "
            "write steps");
  EXPECT_EQ(error_of(small_recipe("gradient_accumulation_steps: 4")),
            "r.yaml:3:1: gradient_accumulation_steps: says nothing without per_device_train_batch_size; "
            "write batch.sequences, or "
            "batch.tokens");
  EXPECT_EQ(error_of(small_recipe("resume_from_checkpoint: /old")).substr(0, 56),
            "r.yaml:3:25: resume_from_checkpoint (run.resume): found ");
}

TEST(Aliases, InsideASectionTheyAreUnknownWithOurName) {
  EXPECT_EQ(error_of(small_recipe("schedule: {lr_scheduler_type: linear}")),
            "r.yaml:3:12: schedule.lr_scheduler_type: unknown key here; its name is schedule.name");
}

TEST(Aliases, EveryAliasLeadsToAKey) {
  std::vector<std::string> keys;
  for (const FieldEntry& entry : list_fields(Recipe())) keys.push_back(entry.key);
  keys.push_back("data.sources");
  for (const char* name :
       {"lr", "cutoff_len", "mixer_list", "neftune_noise_alpha", "eval_steps", "max_train_steps"}) {
    EXPECT_NE(std::find(keys.begin(), keys.end(), key_of_alias(name)), keys.end()) << name;
  }
  EXPECT_TRUE(is_alias("packing"));
  EXPECT_EQ(key_of_alias("packing"), "");
  EXPECT_FALSE(is_alias("beta_of_nothing"));
}

}  // namespace
}  // namespace caravan::recipes
