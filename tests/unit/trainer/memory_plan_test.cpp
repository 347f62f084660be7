// Memory worked out beforehand: exact where the rule is exact, refused where it does not fit.
#include "trainer/memory_plan.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trainer/error.h"
#include "trainer/metrics/process_memory.h"

namespace caravan::trainer {
namespace {

constexpr std::uint64_t kGiB = 1u << 30;

models::LlamaConfig llama_8b() {
  models::LlamaConfig config;
  config.vocab_size = 128256;
  config.hidden_size = 4096;
  config.intermediate_size = 14336;
  config.num_hidden_layers = 32;
  config.num_attention_heads = 32;
  config.num_key_value_heads = 8;
  config.head_dim = 128;
  config.max_position_embeddings = 8192;
  return config;
}

models::LlamaConfig tiny(bool tied = true) {
  models::LlamaConfig config;
  config.vocab_size = 1000;
  config.hidden_size = 64;
  config.intermediate_size = 160;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 16;
  config.max_position_embeddings = 512;
  config.tie_word_embeddings = tied;
  return config;
}

TEST(MemoryPlan, CountsParameters) {
  EXPECT_EQ(count_parameters(llama_8b()), 8030261248);
  EXPECT_EQ(count_parameters(tiny(false)) - count_parameters(tiny()), 64000);
}

TEST(MemoryPlan, StatesTakeTheirBytesAParameter) {
  const auto parameters = static_cast<std::uint64_t>(count_parameters(tiny()));
  const MemoryPlan bf16 = plan_memory(tiny(), {.micro_tokens = 512, .ordered = false});
  EXPECT_EQ(bf16.parameters, 2 * parameters);
  EXPECT_EQ(bf16.gradients, 4 * parameters);
  EXPECT_EQ(bf16.optimizer, 10 * parameters);
  EXPECT_EQ(bf16.checkpoint_copy, 12 * parameters);
  const MemoryPlan fp32 = plan_memory(tiny(), {.bf16 = false, .micro_tokens = 512, .ordered = false});
  EXPECT_EQ(fp32.parameters, 4 * parameters);
  EXPECT_EQ(fp32.optimizer, 8 * parameters);
  EXPECT_EQ(fp32.checkpoint_copy, 12 * parameters);
  const MemoryPlan single = plan_memory(tiny(), {.micro_tokens = 512, .single_micro_batch = true});
  EXPECT_EQ(single.gradients, 2 * parameters);
}

TEST(MemoryPlan, ShardsDivideWhatTheySay) {
  const MemoryInputs one{.micro_tokens = 4096, .ordered = false};
  const auto with = [&](std::int64_t shard) {
    MemoryInputs inputs = one;
    inputs.ranks = 4;
    inputs.shard = shard;
    return plan_memory(llama_8b(), inputs);
  };
  EXPECT_EQ(with(0).parameters, plan_memory(llama_8b(), one).parameters);
  EXPECT_EQ(with(1).optimizer, with(0).optimizer / 4);
  EXPECT_LT(with(2).gradients, with(1).gradients);
  EXPECT_LT(with(3).parameters, with(2).parameters);
  EXPECT_LT(with(3).peak(), with(0).peak() / 2);
}

TEST(MemoryPlan, ActivationsFollowTokensAndRecompute) {
  const MemoryInputs inputs{.micro_tokens = 1024};
  MemoryInputs twice = inputs, again = inputs, half = inputs;
  twice.micro_tokens = 2048;
  again.recompute_every = 1;
  half.recompute_every = 2;
  const std::uint64_t base = plan_memory(llama_8b(), inputs).activations;
  EXPECT_EQ(plan_memory(llama_8b(), twice).activations, 2 * base);
  EXPECT_LT(plan_memory(llama_8b(), again).activations, base / 4);
  EXPECT_LT(plan_memory(llama_8b(), half).activations, base * 65 / 100);
  EXPECT_GT(plan_memory(llama_8b(), half).activations, base * 4 / 10);
}

std::string refusal(const models::LlamaConfig& config, const MemoryInputs& inputs, std::uint64_t free) {
  try {
    require_memory(config, inputs, 1024, free, "this machine");
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 71);
    return error.what();
  }
  return "";
}

TEST(MemoryPlan, WhatDoesNotFitIsRefusedWithTheSmallestChangeThatWould) {
  const MemoryInputs inputs{.micro_tokens = 8192};
  const std::string hopeless = refusal(llama_8b(), inputs, 23 * kGiB);
  EXPECT_NE(hopeless.find("8,030,261,248 parameters"), std::string::npos) << hopeless;
  EXPECT_NE(hopeless.find("this machine has 23.0 GiB free"), std::string::npos) << hopeless;
  EXPECT_NE(hopeless.find("distributed.shard=3"), std::string::npos) << hopeless;
  EXPECT_EQ(refusal(llama_8b(), inputs, 1000 * kGiB), "");
  // Nothing is known of the memory: nothing is refused.
  EXPECT_EQ(refusal(llama_8b(), inputs, 0), "");

  models::LlamaConfig config = tiny();
  config.num_hidden_layers = 40;
  const MemoryInputs long_pass{.micro_tokens = 1 << 16};
  MemoryInputs again = long_pass, both = long_pass;
  again.recompute_every = both.recompute_every = 1;
  both.micro_tokens = 1024;
  const std::uint64_t enough = plan_memory(config, again).peak();
  EXPECT_NE(refusal(config, long_pass, enough).find("model.recompute=all would fit"), std::string::npos);
  EXPECT_NE(refusal(config, long_pass, enough - 1).find("batch.micro_tokens=1024 would fit"),
            std::string::npos);
}

TEST(MemoryPlan, AddressSpaceCounts) {
  EXPECT_GT(free_host_memory(1), 0u);
  EXPECT_LE(free_host_memory(2), free_host_memory(1) * 6 / 10 + kGiB);
  const pid_t child = fork();
  if (child == 0) {
    const std::uint64_t most = read_process_memory().address_bytes + kGiB;
    const rlimit small{most, most};
    if (setrlimit(RLIMIT_AS, &small) != 0) _exit(2);
    _exit(free_host_memory(1) <= kGiB ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace caravan::trainer
