#include "models/generation/sampler.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <sstream>

#include "models/error.h"
#include "models/llama/random_init.h"
#include "models/ops/cpu/kernels.h"

namespace caravan::models {

namespace {

// The first of the largest logits, and the log of the norm.
cpu::RowPeak find_peak(const at::Tensor& logits_V) {
  cpu::RowPeak peak;
  if (logits_V.scalar_type() == at::kFloat)
    cpu::kernels<float>().row_peak(logits_V.const_data_ptr<float>(), logits_V.numel(), &peak);
  else
    cpu::kernels<c10::BFloat16>().row_peak(logits_V.const_data_ptr<c10::BFloat16>(), logits_V.numel(), &peak);
  if (!std::isfinite(peak.log_norm) || peak.index >= logits_V.numel())
    throw Error(
        Error::Kind::kData,
        "the model's logits are not finite; its weights or activations overflow: check the checkpoint, or "
        "use fp32");
  return peak;
}

float logit_at(const at::Tensor& logits_V, std::int64_t id) {
  return logits_V.scalar_type() == at::kFloat
             ? logits_V.const_data_ptr<float>()[id]
             : static_cast<float>(logits_V.const_data_ptr<c10::BFloat16>()[id]);
}

// In [0, 1).
double unit_interval(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1p-53;
}

// Below it logits divided by it leave fp32.
constexpr double kMinTemperature = 1e-5;

void refuse(const std::string& where, const char* name, double value, const char* allowed) {
  std::ostringstream text;
  text << where << name << " is " << value << "; allowed: " << allowed;
  throw Error(Error::Kind::kData, text.str());
}

}  // namespace

void check_sampling(const SamplingOptions& o, const std::string& where) {
  if (!(o.temperature == 0.0 || (o.temperature >= kMinTemperature && o.temperature <= 1e6)))
    refuse(where, "temperature", o.temperature, "0 (greedy), or 1e-5 to 1e6");
  if (o.top_k < 0) refuse(where, "top_k", static_cast<double>(o.top_k), "0 (all tokens) or more");
  if (!(o.top_p > 0.0 && o.top_p <= 1.0))
    refuse(where, "top_p", o.top_p, "more than 0, up to 1 (all tokens)");
  if (!(o.min_p >= 0.0 && o.min_p <= 1.0)) refuse(where, "min_p", o.min_p, "0 (all tokens) to 1");
  if (!(o.repetition_penalty >= 1e-6 && o.repetition_penalty <= 1e6))
    refuse(where, "repetition_penalty", o.repetition_penalty, "1e-6 to 1e6; 1 is none");
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
    return {static_cast<std::int32_t>(peak.index), peak.log_prob(peak.peak), peak.log_prob(peak.peak)};
  const bool greedy = options.temperature == 0.0;
  const float temperature = greedy ? 1.f : static_cast<float>(options.temperature);
  load_scores(logits_V, temperature);
  cpu::RowPeak scaled_peak = peak;
  if (temperature != 1.f) cpu::kernels<float>().row_peak(scores_.data(), logits_V.numel(), &scaled_peak);
  if (options.repetition_penalty != 1.0) penalize(logits_V, options, context);
  std::int32_t id = 0;
  if (greedy)
    id = static_cast<std::int32_t>(std::max_element(scores_.begin(), scores_.end()) - scores_.begin());
  else
    id = draw(options, unit_interval(mix_bits(key, step)));
  const float logit = logit_at(logits_V, id);
  return {id, peak.log_prob(logit), scaled_peak.log_prob(logit / temperature)};
}

void Sampler::load_scores(const at::Tensor& logits_V, float temperature) {
  const std::int64_t count = logits_V.numel();
  scores_.resize(static_cast<std::size_t>(count));
  if (logits_V.scalar_type() == at::kFloat)
    cpu::kernels<float>().scale_row(logits_V.const_data_ptr<float>(), count, temperature, scores_.data());
  else
    cpu::kernels<c10::BFloat16>().scale_row(logits_V.const_data_ptr<c10::BFloat16>(), count, temperature,
                                            scores_.data());
}

// Each token of the context once; on the logit, before the temperature.
void Sampler::penalize(const at::Tensor& logits_V, const SamplingOptions& options,
                       std::span<const std::int32_t> context) {
  seen_.assign(context.begin(), context.end());
  std::sort(seen_.begin(), seen_.end());
  seen_.erase(std::unique(seen_.begin(), seen_.end()), seen_.end());
  const auto factor = static_cast<float>(options.repetition_penalty),
             temperature = options.temperature == 0.0 ? 1.f : static_cast<float>(options.temperature);
  for (const std::int32_t id : seen_) {
    TORCH_CHECK(id >= 0 && id < logits_V.numel(), "sampler: token ", id, " of the context has no logit");
    const float logit = logit_at(logits_V, id);
    scores_[static_cast<std::size_t>(id)] = (logit < 0.f ? logit * factor : logit / factor) / temperature;
  }
}

// The k-th largest score. Few of a long row are larger than the k best so far, so that a heap of k hardly
// changes; a large k is cheaper to split off.
float Sampler::kth_score(std::int64_t k) {
  constexpr std::int64_t kLargestHeap = 512;
  if (k > kLargestHeap) {
    sorted_ = scores_;
    std::nth_element(sorted_.begin(), sorted_.begin() + (k - 1), sorted_.end(), std::greater<float>());
    return sorted_[static_cast<std::size_t>(k - 1)];
  }
  sorted_.assign(scores_.begin(), scores_.begin() + k);
  std::make_heap(sorted_.begin(), sorted_.end(), std::greater<float>());
  for (std::size_t i = static_cast<std::size_t>(k); i < scores_.size(); ++i) {
    if (scores_[i] <= sorted_.front()) continue;
    std::pop_heap(sorted_.begin(), sorted_.end(), std::greater<float>());
    sorted_.back() = scores_[i];
    std::push_heap(sorted_.begin(), sorted_.end(), std::greater<float>());
  }
  return sorted_.front();
}

void Sampler::collect(float min_score, float min_weight) {
  candidates_.clear();
  for (std::size_t i = 0; i < scores_.size(); ++i)
    if (scores_[i] >= min_score && weights_[i] >= min_weight)
      candidates_.push_back({scores_[i], weights_[i], static_cast<std::int32_t>(i)});
}

// top_p takes from the most likely token down until the share is reached; of equally likely ones the lower id
// first.
void Sampler::keep_share(double top_p, double total) {
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  double held = 0.0;
  std::size_t kept = 0;
  while (kept < candidates_.size() && (kept == 0 || held < top_p * total)) held += candidates_[kept++].weight;
  candidates_.resize(kept);
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
}

std::int32_t Sampler::draw(const SamplingOptions& options, double uniform) {
  const auto count = static_cast<std::int64_t>(scores_.size());
  const auto most = std::max_element(scores_.begin(), scores_.end());
  const float peak = *most;
  // A penalty below 1 may lead out of fp32: then one token has all of the probability.
  if (!std::isfinite(peak)) return static_cast<std::int32_t>(most - scores_.begin());
  weights_.resize(scores_.size());
  sums_.resize(static_cast<std::size_t>((count + cpu::kSumBlock - 1) / cpu::kSumBlock));
  cpu::kernels<float>().weigh_row(scores_.data(), count, peak, weights_.data(), sums_.data());
  const bool cut_k = options.top_k > 0 && options.top_k < count;
  if (!cut_k && options.top_p == 1.0 && options.min_p == 0.0) return draw_from_all(uniform);

  double total = std::accumulate(sums_.begin(), sums_.end(), 0.0);
  const float least = cut_k ? kth_score(options.top_k) : -std::numeric_limits<float>::infinity();
  if (cut_k) {
    collect(least, 0.f);
    total = 0.0;
    for (const Candidate& c : candidates_) total += c.weight;
  }
  if (options.top_p < 1.0) {
    // All tokens below this together hold less than half of 1 - top_p, so that none of them can be needed:
    // what is sorted is short.
    const double negligible = 0.5 * (1.0 - options.top_p) * total / static_cast<double>(count);
    collect(least, static_cast<float>(negligible));
    keep_share(options.top_p, total);
  }
  if (!cut_k && options.top_p == 1.0) collect(least, 0.f);
  if (options.min_p > 0.0)
    std::erase_if(candidates_,
                  [&](const Candidate& c) { return static_cast<double>(c.weight) < options.min_p; });
  return draw_from_candidates(uniform);
}

std::int32_t Sampler::draw_from_candidates(double uniform) const {
  double total = 0.0;
  for (const Candidate& c : candidates_) total += c.weight;
  const double target = uniform * total;
  double passed = 0.0;
  std::int32_t last = candidates_.front().id;
  for (const Candidate& c : candidates_) {
    if (c.weight == 0.f) continue;
    last = c.id;
    passed += c.weight;
    if (target < passed) break;
  }
  return last;
}

// The same over the whole row, whose blocks are summed already.
std::int32_t Sampler::draw_from_all(double uniform) const {
  const double target = uniform * std::accumulate(sums_.begin(), sums_.end(), 0.0);
  double before = 0.0;
  std::size_t block = 0;
  while (block + 1 < sums_.size() && before + sums_[block] <= target) before += sums_[block++];
  // Rounding may leave the target behind the last weight of its block: then the last token that has one.
  const std::size_t begin = block * static_cast<std::size_t>(cpu::kSumBlock);
  const std::size_t end = std::min(weights_.size(), begin + static_cast<std::size_t>(cpu::kSumBlock));
  std::size_t last = begin;
  for (std::size_t i = begin; i < end; ++i) {
    if (weights_[i] == 0.f) continue;
    last = i;
    before += weights_[i];
    if (target < before) break;
  }
  while (weights_[last] == 0.f) --last;
  return static_cast<std::int32_t>(last);
}

}  // namespace caravan::models
