#include "models/llama/random_init.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cmath>
#include <numbers>

namespace caravan::models {

namespace {

std::uint64_t hash_name(std::uint64_t seed, const std::string& name) {
  std::uint64_t hash = mix_bits(seed, 0);
  for (const char c : name) hash = mix_bits(hash, static_cast<unsigned char>(c));
  return hash;
}

// In (0, 1].
double unit_interval(std::uint64_t bits) {
  return (static_cast<double>(bits >> 11) + 1.0) * 0x1p-53;
}

}  // namespace

at::Tensor normal_values(std::uint64_t seed, const std::string& name, std::int64_t count, double deviation) {
  at::Tensor values = at::empty({count}, at::kFloat);
  float* out = values.data_ptr<float>();
  const std::uint64_t key = hash_name(seed, name);
  at::parallel_for(0, (count + 1) / 2, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t pair = begin; pair < end; ++pair) {
      const auto counter = static_cast<std::uint64_t>(2 * pair);
      const double radius = deviation * std::sqrt(-2.0 * std::log(unit_interval(mix_bits(key, counter))));
      const double angle = 2.0 * std::numbers::pi * unit_interval(mix_bits(key, counter + 1));
      out[2 * pair] = static_cast<float>(radius * std::cos(angle));
      if (2 * pair + 1 < count) out[2 * pair + 1] = static_cast<float>(radius * std::sin(angle));
    }
  });
  return values;
}

}  // namespace caravan::models
