// How fast a checkpoint reads prompts and writes text, at several batch sizes.
//
//   build/generation_bench MODEL [fp32|bf16] [BATCH,BATCH,...] [NEW_TOKENS] [greedy|sampled] [PROMPT_TOKENS]
//   [RUNS]
//
// The measures are those of peer_generate.py: prefill is one pass over [min(batch, 8), 512] random ids with
// the logits of last tokens; decode is the time of NEW_TOKENS tokens a row less that of one, prompts being
// read in both. Prompts have PROMPT_TOKENS random ids, and no id stops. Medians of RUNS. "difference" is the
// largest between log-probabilities in a batch and alone, which must be 0.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "models/generation/generator.h"
#include "models/host_arena.h"
#include "models/weights/hf_directory.h"

namespace {

using namespace caravan::models;

std::vector<std::int32_t> random_ids(std::size_t count, std::uint64_t seed) {
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int32_t>(100 + (seed * 104729 + i * 7919) % 40000));
  return ids;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median_seconds(int runs, const std::function<void()>& work) {
  std::vector<double> seconds;
  for (int i = 0; i < runs; ++i) seconds.push_back(seconds_of(work));
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

struct Measure {
  Llama& model;
  SamplingOptions sampling;
  std::size_t prompt_tokens;
  int runs;

  std::vector<Completion> generate(std::int64_t batch, std::int64_t first, std::int64_t rows,
                                   std::int64_t new_tokens) const {
    Generator generator(model, {.batch_size = batch});
    std::vector<Completion> completions(static_cast<std::size_t>(rows));
    std::int64_t next = 0;
    generator.run(
        [&]() -> std::optional<GenerationRequest> {
          if (next == rows) return std::nullopt;
          const auto row = static_cast<std::uint64_t>(first + next);
          GenerationRequest request{.index = static_cast<std::size_t>(next++),
                                    .prompt = random_ids(prompt_tokens, row + 1),
                                    .max_new_tokens = new_tokens,
                                    .sampling = sampling,
                                    .key = sampling_key(1, row)};
          return request;
        },
        [&](std::size_t index, Completion completion) { completions[index] = std::move(completion); });
    return completions;
  }

  double decode_rate(std::int64_t batch, std::int64_t new_tokens) const {
    generate(batch, 0, batch, 2);
    const double first = median_seconds(runs, [&] { generate(batch, 0, batch, 1); });
    const double whole = median_seconds(runs, [&] { generate(batch, 0, batch, new_tokens); });
    return static_cast<double>(batch * (new_tokens - 1)) / (whole - first);
  }

  double prefill_rate(std::int64_t batch) const {
    constexpr std::size_t kTokens = 512;
    const auto rows = static_cast<std::size_t>(std::min<std::int64_t>(batch, 8));
    std::vector<std::vector<std::int32_t>> prompts;
    for (std::size_t row = 0; row < rows; ++row) prompts.push_back(random_ids(kTokens, row + 77));
    Decoder decoder(model);
    const auto read = [&] {
      std::vector<KvSequence> sequences;
      std::vector<Decoder::Feed> feeds;
      for (std::size_t row = 0; row < rows; ++row) sequences.push_back(decoder.new_sequence());
      for (std::size_t row = 0; row < rows; ++row) feeds.push_back({&sequences[row], prompts[row]});
      decoder.feed(feeds);
    };
    read();
    return static_cast<double>(rows * kTokens) / median_seconds(runs, read);
  }

  double difference(std::int64_t batch, std::int64_t new_tokens) const {
    const auto together = generate(batch, 0, batch, new_tokens), alone = generate(1, 0, 1, new_tokens);
    double largest = together[0].ids == alone[0].ids ? 0.0 : INFINITY;
    for (std::size_t i = 0; i < alone[0].log_probs.size(); ++i)
      largest =
          std::max(largest, std::abs(static_cast<double>(together[0].log_probs[i] - alone[0].log_probs[i])));
    return largest;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "generation_bench: give a checkpoint folder\n");
    return 2;
  }
  const auto argument = [&](int i, const char* otherwise) {
    return std::string(argc > i ? argv[i] : otherwise);
  };
  use_host_arena();
  const HfDirectory weights(argv[1]);
  const at::ScalarType dtype = argument(2, "bf16") == "fp32" ? at::kFloat : at::kBFloat16;
  Llama model(weights.config(), dtype, at::kCPU);
  model.load(weights);
  const std::int64_t new_tokens = std::atoll(argument(4, "64").c_str());
  SamplingOptions sampling;
  if (argument(5, "greedy") == "sampled") sampling = {.temperature = 1.0, .top_p = 0.95};
  const Measure measure{model, sampling, static_cast<std::size_t>(std::atoll(argument(6, "128").c_str())),
                        std::atoi(argument(7, "3").c_str())};
  std::istringstream batches(argument(3, "1,8,32"));
  for (std::string batch; std::getline(batches, batch, ',');) {
    const std::int64_t size = std::atoll(batch.c_str());
    const double decode = measure.decode_rate(size, new_tokens);
    std::printf(
        "batch %3lld: decode %7.1f tokens/s, %6.2f ms a step; prefill %7.0f tokens/s; difference %g\n",
        static_cast<long long>(size), decode, 1e3 * static_cast<double>(size) / decode,
        measure.prefill_rate(size), measure.difference(size, 16));
  }
}
