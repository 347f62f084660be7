#include "trainer/optim/gradient_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "models/ops/composed_scope.h"
#include "trainer/optim/cpu/adamw_kernel.h"

namespace caravan::trainer {

namespace {

constexpr std::int64_t kPortion = UnitShards::kShardMultiple;
constexpr std::int64_t kPiece = 1 << 22;  // elements that a device squares at a time: 32 MiB in fp64

std::int64_t portions_of(std::int64_t elements) {
  return (elements + kPortion - 1) / kPortion;
}

template <class T>
void squares_on_cpu(const T* x, std::int64_t count, double* sums) {
  at::parallel_for(0, portions_of(count), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      sums[p] = cpu::squares_of_range(x + p * kPortion, std::min(kPortion, count - p * kPortion));
  });
}

// How many portions all gradients have, however they are cut and padded.
std::int64_t portions_of(const models::Llama& model) {
  std::int64_t portions = 0;
  for (const models::FlatUnit& unit : model.units()) portions += portions_of(unit.used());
  return portions;
}

// The sums of a power of two times `sums`, rounded, and of the rests times that power: int64 [2], exact.
at::Tensor exact_sums(const at::Tensor& sums, const at::Tensor& exponent, int bits) {
  const at::Tensor scaled = at::ldexp(sums, (bits - exponent).to(at::kDouble)), high = scaled.round();
  const at::Tensor low = (scaled - high).mul_(std::ldexp(1.0, bits)).round_();
  return at::stack({high.to(at::kLong).sum(), low.to(at::kLong).sum()});
}

}  // namespace

at::Tensor squares_of_portions(const at::Tensor& flat) {
  const auto fp64 = flat.options().dtype(at::kDouble);
  at::Tensor sums = at::empty({portions_of(flat.numel())}, fp64);
  if (models::has_kernels(flat)) {
    if (flat.scalar_type() == at::kFloat)
      squares_on_cpu(flat.const_data_ptr<float>(), flat.numel(), sums.data_ptr<double>());
    else
      squares_on_cpu(flat.const_data_ptr<c10::BFloat16>(), flat.numel(), sums.data_ptr<double>());
    return sums;
  }
  for (std::int64_t at = 0; at < flat.numel(); at += kPiece) {
    const std::int64_t count = std::min(kPiece, flat.numel() - at), whole = count / kPortion * kPortion;
    const at::Tensor squares = flat.narrow(0, at, count).to(at::kDouble, false, /*copy=*/true).square_();
    if (whole > 0)
      sums.narrow(0, at / kPortion, whole / kPortion)
          .copy_(squares.narrow(0, 0, whole).view({-1, kPortion}).sum(1));
    if (count > whole) sums[(at + whole) / kPortion].copy_(squares.narrow(0, whole, count - whole).sum());
  }
  return sums;
}

double gradient_norm(UnitShards& units) {
  at::NoGradGuard no_grad;
  const bool everywhere = units.options().stage == 0;  // every rank has all of them
  std::vector<at::Tensor> parts;
  for (std::size_t unit = 0; unit < units.num_units(); ++unit)
    parts.push_back(squares_of_portions(units.own_gradients(unit)));
  const at::Tensor sums = at::cat(parts);
  // What is not finite is infinite here: a maximum over ranks must not lose it.
  const at::Tensor largest = sums.nan_to_num(std::numeric_limits<double>::infinity()).max();
  if (!everywhere) units.group().all_reduce(largest, Reduce::kMax, "largest gradient").wait();
  const at::Tensor exponent = std::get<1>(at::frexp(largest));
  const int bits =
      62 - static_cast<int>(std::bit_width(static_cast<std::uint64_t>(portions_of(units.model()))));
  const at::Tensor exact = exact_sums(sums, exponent, bits);
  if (!everywhere) units.group().all_reduce(exact, Reduce::kSum, "gradient norm").wait();
  const at::Tensor told =
      at::cat({largest.view(1), exponent.to(at::kDouble).view(1), exact.to(at::kDouble)}).cpu();
  const double* numbers = told.const_data_ptr<double>();
  if (!std::isfinite(numbers[0])) return numbers[0];
  const double total = numbers[2] + std::ldexp(numbers[3], -bits);
  return std::sqrt(std::ldexp(total, static_cast<int>(numbers[1]) - bits));
}

}  // namespace caravan::trainer
