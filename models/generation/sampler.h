// From a row of logits to the next token.
//
// Promise: the order and meaning of the settings are those of transformers: repetition penalty, then
// temperature, top_k, top_p, min_p, each on what the one before left. The draw is a pure function of the row,
// the settings and (key, step): never of time, threads or other sequences.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace caravan::models {

struct SamplingOptions {
  double temperature = 0.0;  // 0 = greedy: the most likely token, the lowest id of equals
  std::int64_t top_k = 0;    // only the k most likely tokens, and those equal to the k-th; 0 = all
  double top_p = 1.0;        // the fewest likely tokens that hold this share; at least one
  double min_p = 0.0;        // only tokens at least this times as likely as the most likely
  double repetition_penalty =
      1.0;  // > 1 makes tokens of prompt and completion less likely (arXiv 1909.05858)
  bool operator==(const SamplingOptions&) const = default;
};

// Throws Error (65) naming the setting, its value and what is allowed; `where` comes first in the message.
void check_sampling(const SamplingOptions& options, const std::string& where);

struct SampledToken {
  std::int32_t id = 0;
  // Natural log of its probability under the model's own distribution, before penalty, temperature and cuts:
  // what training computes for the same tokens.
  float log_prob = 0.f;
  // The same of logits / temperature, before penalty and cuts: what training computes where a rollout has a
  // temperature. log_prob itself at temperatures 0 and 1.
  float scaled_log_prob = 0.f;
};

// The key of the random numbers of one request: mixes a run's seed with the number of the request.
std::uint64_t sampling_key(std::uint64_t seed, std::uint64_t request);

// Working memory is reused between calls; one per thread.
class Sampler {
 public:
  // logits_V: one row on the CPU, fp32 or bf16. `context`: the tokens so far, for the repetition penalty.
  // Throws Error (65) where the logits are not finite.
  SampledToken sample(const at::Tensor& logits_V, const SamplingOptions& options,
                      std::span<const std::int32_t> context, std::uint64_t key, std::uint64_t step);

 private:
  struct Candidate {
    float score, weight;
    std::int32_t id;
  };
  void load_scores(const at::Tensor& logits_V, float temperature);
  void penalize(const at::Tensor& logits_V, const SamplingOptions& options,
                std::span<const std::int32_t> context);
  float kth_score(std::int64_t k);
  void collect(float min_score, float min_weight);
  void keep_share(double top_p, double total);
  std::int32_t draw(const SamplingOptions& options, double uniform);
  std::int32_t draw_from_all(double uniform) const;
  std::int32_t draw_from_candidates(double uniform) const;

  std::vector<float> scores_, weights_;  // of the row; weights are not normed, the largest is 1
  std::vector<double> sums_;             // of blocks of weights
  std::vector<float> sorted_;
  std::vector<std::int32_t> seen_;
  std::vector<Candidate> candidates_;  // by ascending id
};

}  // namespace caravan::models
