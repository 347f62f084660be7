// What sampling says of its tokens is what training says of them: bit for bit, and where parameters are
// sharded too.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "models/generation/generator.h"
#include "tests/support/instruction_set.h"
#include "tests/support/thread_ranks.h"
#include "tests/unit/trainer/tiny_training.h"
#include "trainer/batch_tensors.h"
#include "trainer/distributed/shard_access.h"
#include "trainer/objectives/preference.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {
namespace {

using models::Completion;
using models::GenerationRequest;
using models::Generator;
using models::GeneratorOptions;

// Prompts of 1 to 140 tokens, one to three completions each.
std::vector<GenerationRequest> requests(std::size_t count) {
  std::vector<GenerationRequest> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back({.index = i,
                   .prompt = made_document(static_cast<std::uint32_t>(i), 1 + 47 * i % 140).ids,
                   .max_new_tokens = static_cast<std::int64_t>(1 + 29 * i % 70),
                   .sampling = {.temperature = 1.0, .top_p = 0.98},
                   .key = models::sampling_key(3, i),
                   .completions = static_cast<std::int64_t>(1 + i % 3)});
  return all;
}

using Sampled = std::map<std::pair<std::size_t, std::int64_t>, Completion>;

Sampled run(Generator& generator, const std::vector<GenerationRequest>& all) {
  Sampled sampled;
  std::size_t next = 0;
  generator.run([&] { return next < all.size() ? std::optional(all[next++]) : std::nullopt; },
                [&](std::size_t index, Completion completion) {
                  const std::int64_t sample = completion.sample;
                  EXPECT_TRUE(sampled.emplace(std::pair{index, sample}, std::move(completion)).second);
                });
  EXPECT_EQ(generator.decoder().cache().pages_in_use(), 0);
  return sampled;
}

// Prompt and completion as a document that is trained on the completion.
data::MicroBatch batch_of(const std::vector<GenerationRequest>& all, const Sampled& sampled) {
  data::MicroBatch batch;
  for (const auto& [which, completion] : sampled) {
    Document document{all[which.first].prompt, std::vector<bool>(all[which.first].prompt.size(), false)};
    document.ids.insert(document.ids.end(), completion.ids.begin(), completion.ids.end());
    document.trained.resize(document.ids.size(), true);
    append(batch, document, static_cast<std::uint32_t>(which.first));
  }
  return batch;
}

std::vector<float> log_probs_of(const Sampled& sampled) {
  std::vector<float> all;
  for (const auto& [which, completion] : sampled)
    all.insert(all.end(), completion.log_probs.begin(), completion.log_probs.end());
  return all;
}

std::vector<float> trained(const at::Tensor& hidden_TD, const models::Llama& model,
                           const data::MicroBatch& batch) {
  const at::Tensor log_probs_T = trained_log_probs(hidden_TD, head_of(model), batch);
  std::vector<float> all;
  for (std::size_t t = 0; t < batch.weights.size(); ++t)
    if (batch.weights[t] != 0.f) all.push_back(log_probs_T[static_cast<std::int64_t>(t)].item<float>());
  return all;
}

class SamplingLogProbs : public testing::TestWithParam<at::ScalarType> {};

TEST_P(SamplingLogProbs, AreThoseOfTrainingBitForBit) {
  models::Llama model = tiny_model(tiny_config(), GetParam());
  UnitShards units(model);
  SegmentedPass pass(units, 0);
  const auto all = requests(13);
  for (const std::int64_t batch_size : {1, 5, 32}) {
    Generator generator(model, {.batch_size = batch_size, .stop_ids = {5}});
    const Sampled sampled = run(generator, all);
    ASSERT_EQ(sampled.size(), 25u);
    const data::MicroBatch batch = batch_of(all, sampled);
    const std::vector<float> found = log_probs_of(sampled);
    EXPECT_EQ(found, trained(pass.forward(model_input(batch, at::kCPU)), model, batch)) << "forward";
    EXPECT_EQ(found, trained(pass.evaluate(model_input(batch, at::kCPU)), model, batch)) << "evaluate";
  }
}

TEST_P(SamplingLogProbs, OfAShardedModelAreThoseOfAWholeOne) {
  for (const bool tied : {true, false}) {
    models::LlamaConfig config = tiny_config();
    config.tie_word_embeddings = tied;
    models::Llama whole = tiny_model(config, GetParam());
    // Rank 1 has less to do, and rank 2 nothing at all.
    const std::vector<std::vector<GenerationRequest>> dealt{requests(9), requests(2), {}};
    std::vector<Sampled> found(dealt.size());
    tests::ThreadRanks ranks;
    ranks.run(3, [&](ProcessGroup& group) {
      models::Llama model(config, GetParam(), at::kCPU, UnitShards::memory_of(3, group.size()));
      UnitShards shards(model, group, {.stage = 3});
      for (std::size_t unit = 0; unit < shards.num_units(); ++unit)
        shards.fill(unit, [&](std::size_t u) { model.initialize_unit(u, 7); });
      ShardAccess access(shards);
      Generator generator(model, {.batch_size = 4, .units = &access, .anyone = [&](bool busy) {
                                    return access.anyone(busy);
                                  }});
      const auto rank = static_cast<std::size_t>(group.rank());
      for (int again = 0; again < 2; ++again) found[rank] = run(generator, dealt[rank]);
      for (const models::FlatUnit& unit : model.units()) EXPECT_FALSE(unit.has_values()) << unit.name();
    });
    for (const std::string& error : ranks.errors) EXPECT_EQ(error, "");
    Generator generator(whole, {});
    for (std::size_t rank = 0; rank < dealt.size(); ++rank) {
      const Sampled wanted = run(generator, dealt[rank]);
      ASSERT_EQ(found[rank].size(), wanted.size());
      for (const auto& [which, completion] : wanted) {
        EXPECT_EQ(found[rank].at(which).ids, completion.ids);
        EXPECT_EQ(found[rank].at(which).log_probs, completion.log_probs);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Both, SamplingLogProbs, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& test) { return test.param == at::kFloat ? "fp32" : "bf16"; });

TEST(SamplingLogProbsIsa, PassWithAvx2) {
  tests::expect_passes_with_avx2("*SamplingLogProbs.AreThose*");
}

}  // namespace
}  // namespace caravan::trainer
