// Rotary frequencies. Steps are rounded to fp32 where transformers computes in fp32, so that long positions
// agree.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "models/llama/config.h"

namespace caravan::models {

namespace {

// theta^(2i/E) as an fp32 tensor operation gives it: exponent and result are fp32.
float position_frequency(double theta, std::int64_t i, std::int64_t head_dim) {
  const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_dim);
  return static_cast<float>(std::pow(theta, static_cast<double>(exponent)));
}

// Llama 3.1: long waves are slowed by `factor`, short ones kept, those between blended. Scalars are double as
// in Python, what touches the frequencies is fp32 as in a tensor.
float llama3_frequency(const RopeConfig& rope, float frequency) {
  const auto old_length = static_cast<float>(rope.original_max_position_embeddings);
  const auto factor = static_cast<float>(rope.factor);
  const float wavelength = static_cast<float>(2.0 * std::numbers::pi) / frequency;
  const auto low_wavelength =
      static_cast<float>(static_cast<double>(rope.original_max_position_embeddings) / rope.low_freq_factor);
  const auto high_wavelength =
      static_cast<float>(static_cast<double>(rope.original_max_position_embeddings) / rope.high_freq_factor);
  if (wavelength < high_wavelength) return frequency;
  if (wavelength > low_wavelength) return frequency / factor;
  const float smooth = (old_length / wavelength - static_cast<float>(rope.low_freq_factor)) /
                       static_cast<float>(rope.high_freq_factor - rope.low_freq_factor);
  return (1.0F - smooth) * frequency / factor + smooth * frequency;
}

struct YarnRange {
  double low;
  double high;
};

// Index of the frequency that turns `rotations` times within the original length.
double yarn_index(const RopeConfig& rope, double rotations, std::int64_t head_dim) {
  const auto length = static_cast<double>(rope.original_max_position_embeddings);
  return static_cast<double>(head_dim) * std::log(length / (rotations * 2.0 * std::numbers::pi)) /
         (2.0 * std::log(rope.theta));
}

YarnRange yarn_range(const RopeConfig& rope, std::int64_t head_dim) {
  YarnRange range{yarn_index(rope, rope.beta_fast, head_dim), yarn_index(rope, rope.beta_slow, head_dim)};
  if (rope.truncate) range = {std::floor(range.low), std::ceil(range.high)};
  range = {std::max(range.low, 0.0), std::min(range.high, static_cast<double>(head_dim - 1))};
  if (range.low == range.high) range.high += 0.001;  // no division by zero
  return range;
}

// YaRN (arXiv 2309.00071): fast turning pairs extrapolate, slow ones interpolate, a ramp between.
float yarn_frequency(const RopeConfig& rope, const YarnRange& range, std::int64_t i,
                     float position_frequency_i) {
  const float extrapolated = 1.0F / position_frequency_i;
  const float interpolated = 1.0F / (static_cast<float>(rope.factor) * position_frequency_i);
  const float ramp = std::clamp(
      (static_cast<float>(i) - static_cast<float>(range.low)) / static_cast<float>(range.high - range.low),
      0.0F, 1.0F);
  const float share = 1.0F - ramp;
  return interpolated * (1.0F - share) + extrapolated * share;
}

double yarn_attention_scaling(const RopeConfig& rope) {
  if (rope.attention_factor) return *rope.attention_factor;
  const auto scale = [&](double weight) {
    return rope.factor <= 1.0 ? 1.0 : 0.1 * weight * std::log(rope.factor) + 1.0;
  };
  const double mscale = rope.mscale.value_or(0.0), all_dim = rope.mscale_all_dim.value_or(0.0);
  return mscale != 0.0 && all_dim != 0.0 ? scale(mscale) / scale(all_dim) : scale(1.0);
}

}  // namespace

RopeFrequencies rope_inverse_frequencies(const LlamaConfig& config) {
  const RopeConfig& rope = config.rope;
  RopeFrequencies result;
  const bool yarn = rope.type == RopeType::kYarn;
  const YarnRange range = yarn ? yarn_range(rope, config.head_dim) : YarnRange{};
  for (std::int64_t i = 0; i < config.head_dim / 2; ++i) {
    const float turned = position_frequency(rope.theta, i, config.head_dim);
    float frequency = 1.0F / turned;
    if (rope.type == RopeType::kLinear) frequency /= static_cast<float>(rope.factor);
    if (rope.type == RopeType::kLlama3) frequency = llama3_frequency(rope, frequency);
    if (yarn) frequency = yarn_frequency(rope, range, i, turned);
    result.inv_freq.push_back(frequency);
  }
  if (yarn) result.attention_scaling = yarn_attention_scaling(rope);
  return result;
}

}  // namespace caravan::models
