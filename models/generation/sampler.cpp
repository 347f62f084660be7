#include "models/generation/sampler.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "models/error.h"
#include "models/llama/random_init.h"
#include "models/ops/cpu/kernels.h"

namespace caravan::models {

namespace {

// Log sum exp and the first of the largest logits.
cpu::RowPeak find_peak(const at::Tensor& logits_V) {
  cpu::RowPeak peak;
  if (logits_V.scalar_type() == at::kFloat)
    cpu::kernels<float>().row_peak(logits_V.const_data_ptr<float>(), logits_V.numel(), &peak);
  else
    cpu::kernels<c10::BFloat16>().row_peak(logits_V.const_data_ptr<c10::BFloat16>(), logits_V.numel(), &peak);
  if (!std::isfinite(peak.log_sum_exp) || peak.index >= logits_V.numel())
    throw Error(
        Error::Kind::kData,
        "the model's logits are not finite; its weights or activations overflow: check the checkpoint, or "
        "use fp32");
  return peak;
}

// In [0, 1).
double unit_interval(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

void refuse(const std::string& where, const char* name, double value, const char* allowed) {
  std::ostringstream text;
  text << where << name << " is " << value << "; allowed: " << allowed;
  throw Error(Error::Kind::kData, text.str());
}

}  // namespace

void check_sampling(const SamplingOptions& o, const std::string& where) {
  if (!(o.temperature >= 0.0 && o.temperature <= 1e6))
    refuse(where, "temperature", o.temperature, "0 (greedy) to 1e6");
  if (o.top_k < 0) refuse(where, "top_k", static_cast<double>(o.top_k), "0 (all tokens) or more");
  if (!(o.top_p > 0.0 && o.top_p <= 1.0))
    refuse(where, "top_p", o.top_p, "more than 0, up to 1 (all tokens)");
  if (!(o.min_p >= 0.0 && o.min_p <= 1.0)) refuse(where, "min_p", o.min_p, "0 (all tokens) to 1");
  if (!(o.repetition_penalty > 0.0 && o.repetition_penalty <= 1e6))
    refuse(where, "repetition_penalty", o.repetition_penalty, "more than 0; 1 is none");
}

std::uint64_t sampling_key(std::uint64_t seed, std::uint64_t request) {
  return mix_bits(mix_bits(seed, 0), request);
}

SampledToken Sampler::sample(const at::Tensor& logits_V, const SamplingOptions& options,
                             std::span<const std::int32_t> context, std::uint64_t key, std::uint64_t step) {
  TORCH_CHECK(logits_V.is_cpu() && logits_V.dim() == 1 && logits_V.is_contiguous() && logits_V.numel() > 0 &&
                  (logits_V.scalar_type() == at::kFloat || logits_V.scalar_type() == at::kBFloat16),
              "sampler: logits ", logits_V.sizes(), " ", logits_V.scalar_type(),
              " must be a row of fp32 or bf16 on the CPU");
  const cpu::RowPeak peak = find_peak(logits_V);
  if (options.temperature == 0.0 && options.repetition_penalty == 1.0)
    return {static_cast<std::int32_t>(peak.index), peak.peak - peak.log_sum_exp};
  const at::Tensor wide_V = logits_V.to(at::kFloat);
  const float* logits = wide_V.const_data_ptr<float>();
  scores_.assign(logits, logits + logits_V.numel());
  if (options.repetition_penalty != 1.0) penalize(options.repetition_penalty, context);
  std::int32_t id = 0;
  if (options.temperature == 0.0) {
    id = static_cast<std::int32_t>(std::max_element(scores_.begin(), scores_.end()) - scores_.begin());
  } else {
    const auto temperature = static_cast<float>(options.temperature);
    for (float& score : scores_) score /= temperature;
    keep_top_k(options.top_k);
    keep_likely(options.top_p, options.min_p);
    id = draw(unit_interval(mix_bits(key, step)));
  }
  return {id, logits[id] - peak.log_sum_exp};
}

void Sampler::penalize(double penalty, std::span<const std::int32_t> context) {
  seen_.assign(context.begin(), context.end());
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  const auto factor = static_cast<float>(penalty);
  for (const std::int32_t id : seen_) {
    float& score = scores_.at(static_cast<std::size_t>(id));
    score = score < 0.f ? score * factor : score / factor;
  }
}

void Sampler::keep_top_k(std::int64_t top_k) {
  const auto count = static_cast<std::int64_t>(scores_.size());
  float least = -std::numeric_limits<float>::infinity();
  if (top_k > 0 && top_k < count) {
    candidates_.clear();
    for (std::int64_t i = 0; i < count; ++i) candidates_.push_back({scores_[static_cast<std::size_t>(i)], 0});
    const auto kth = candidates_.begin() + (top_k - 1);
    std::nth_element(candidates_.begin(), kth, candidates_.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    least = kth->score;
  }
  candidates_.clear();
  for (std::int64_t i = 0; i < count; ++i) {
    const float score = scores_[static_cast<std::size_t>(i)];
    if (score >= least) candidates_.push_back({score, static_cast<std::int32_t>(i)});
  }
}

// top_p takes from the most likely token down until the share is reached; of equally likely ones the lower id
// first.
void Sampler::keep_likely(double top_p, double min_p) {
  float peak = candidates_.front().score;
  for (const Candidate& c : candidates_) peak = std::max(peak, c.score);
  const auto weight = [&](const Candidate& c) { return std::exp(static_cast<double>(c.score - peak)); };
  if (top_p < 1.0) {
    double total = 0.0;
    for (const Candidate& c : candidates_) total += weight(c);
    // All tokens below this together hold less than 1 - top_p, so that none of them can be needed: what is
    // sorted is short.
    const double negligible = (1.0 - top_p) * total / static_cast<double>(candidates_.size());
    std::erase_if(candidates_, [&](const Candidate& c) { return weight(c) < negligible; });
    std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
      return a.score != b.score ? a.score > b.score : a.id < b.id;
    });
    double held = 0.0;
    std::size_t kept = 0;
    while (kept < candidates_.size() && (kept == 0 || held < top_p * total))
      held += weight(candidates_[kept++]);
    candidates_.resize(kept);
    std::sort(candidates_.begin(), candidates_.end(),
              [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  }
  if (min_p > 0.0) std::erase_if(candidates_, [&](const Candidate& c) { return weight(c) < min_p; });
  weights_.clear();
  for (const Candidate& c : candidates_) weights_.push_back(weight(c));
}

std::int32_t Sampler::draw(double uniform) {
  double total = 0.0;
  for (const double weight : weights_) total += weight;
  const double target = uniform * total;
  double passed = 0.0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] == 0.0) continue;
    last = i;
    passed += weights_[i];
    if (target < passed) break;
  }
  return candidates_[last].id;
}

}  // namespace caravan::models
