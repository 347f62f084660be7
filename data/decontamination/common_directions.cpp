#include "data/decontamination/common_directions.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace caravan::data {
namespace {

constexpr std::size_t kMaxVectors = 2048;  // more say nothing new, and take time
constexpr int kRounds = 12;
constexpr double kNothing = 1e-6;

double dot(std::span<const double> a, std::span<const double> b) {
  // Several sums, which the compiler keeps in one register.
  constexpr std::size_t kLanes = 8;
  double lanes[kLanes] = {}, sum = 0.0;
  std::size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes)
    for (std::size_t k = 0; k < kLanes; ++k) lanes[k] += a[i + k] * b[i + k];
  for (; i < a.size(); ++i) sum += a[i] * b[i];
  for (const double lane : lanes) sum += lane;
  return sum;
}

void add(double factor, std::span<const double> from, std::span<double> to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
}

// Numbers without a pattern, the same on every machine.
double number_at(std::uint64_t i) {
  i = (i + 1) * 0x9e3779b97f4a7c15u;
  i = (i ^ i >> 32) * 0xd6e8feb86659fd93u;
  return static_cast<double>((i ^ i >> 32) >> 11) * 0x1p-53 - 0.5;
}

}  // namespace

CommonDirections::CommonDirections(std::span<const float> vectors, std::size_t width) : width_(width) {
  const std::size_t all = width == 0 ? 0 : vectors.size() / width;
  if (all < kFewestVectors) return;
  const std::size_t used = std::min(all, kMaxVectors);
  std::vector<double> centred(used * width);
  mean_.assign(width, 0.0);
  for (std::size_t i = 0; i < used; ++i) {
    const float* vector = vectors.data() + i * all / used * width;
    for (std::size_t k = 0; k < width; ++k) {
      centred[i * width + k] = static_cast<double>(vector[k]);
      mean_[k] += static_cast<double>(vector[k]) / static_cast<double>(used);
    }
  }
  for (std::size_t i = 0; i < used; ++i) add(-1.0, mean_, std::span(centred).subspan(i * width, width));
  directions_.resize(std::min(width / 20, used / 8) * width);
  find(centred);
}

// Orthogonal iteration on the covariance, which is never built.
void CommonDirections::find(const std::vector<double>& centred) {
  for (std::size_t i = 0; i < directions_.size(); ++i) directions_[i] = number_at(i);
  make_orthonormal();
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> next(directions_.size(), 0.0);
    for (std::size_t begin = 0; begin < centred.size(); begin += width_) {
      const auto vector = std::span(centred).subspan(begin, width_);
      for (std::size_t d = 0; d < next.size(); d += width_)
        add(dot(vector, std::span(directions_).subspan(d, width_)), vector,
            std::span(next).subspan(d, width_));
    }
    directions_.swap(next);
    make_orthonormal();
  }
}

// Gram-Schmidt. Of vectors that span less than asked for, the rest is zero and takes nothing away.
void CommonDirections::make_orthonormal() {
  for (std::size_t d = 0; d < directions_.size(); d += width_) {
    const std::span<double> direction = std::span(directions_).subspan(d, width_);
    const double before = std::sqrt(dot(direction, direction));
    for (std::size_t other = 0; other < d; other += width_) {
      const auto done = std::span(directions_).subspan(other, width_);
      add(-dot(direction, done), done, direction);
    }
    const double norm = std::sqrt(dot(direction, direction));
    const bool is_new = norm > kNothing * before;
    for (double& x : direction) x = is_new ? x / norm : 0.0;
  }
}

void CommonDirections::remove(std::span<float> vector) const {
  if (mean_.empty()) return;
  std::vector<double> rest(vector.begin(), vector.end());
  add(-1.0, mean_, rest);
  for (std::size_t d = 0; d < directions_.size(); d += width_) {
    const auto direction = std::span(directions_).subspan(d, width_);
    add(-dot(rest, direction), direction, rest);
  }
  const double norm = std::sqrt(dot(rest, rest));
  for (std::size_t k = 0; k < vector.size(); ++k)
    vector[k] = norm > kNothing ? static_cast<float>(rest[k] / norm) : 0.0F;
}

}  // namespace caravan::data
