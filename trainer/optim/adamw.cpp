#include "trainer/optim/adamw.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "trainer/optim/cpu/adamw_kernel.h"

namespace caravan::trainer {

namespace {

constexpr std::int64_t kPortion = 1 << 16;  // elements a thread takes at a time

// Calls body(begin, end, decays) over portions of [0, size) that lie wholly inside or outside the decayed
// ranges.
template <class Body>
void for_portions(std::int64_t size, const DecayRanges& decay, Body body) {
  std::vector<std::array<std::int64_t, 3>> portions;
  const auto add = [&](std::int64_t begin, std::int64_t end, bool decays) {
    for (; begin < end; begin += kPortion)
      portions.push_back({begin, std::min(end, begin + kPortion), decays});
  };
  std::int64_t at = 0;
  for (const auto& [begin, end] : decay) {
    add(at, begin, false);
    add(begin, end, true);
    at = end;
  }
  add(at, size, false);
  at::parallel_for(0, static_cast<std::int64_t>(portions.size()), 1,
                   [&](std::int64_t first, std::int64_t last) {
                     for (std::int64_t p = first; p < last; ++p) {
                       const auto& [begin, end, decays] = portions[static_cast<std::size_t>(p)];
                       body(begin, end, decays != 0);
                     }
                   });
}

// fp32 bits of bf16 values plus remainder, by LibTorch's own operations: any device.
at::Tensor join(const at::Tensor& values, const at::Tensor& remainder) {
  return (values.view(at::kShort).to(at::kInt).bitwise_left_shift(16) + remainder.to(at::kInt))
      .view(at::kFloat);
}
void split(const at::Tensor& master, at::Tensor& values, at::Tensor& remainder) {
  const at::Tensor bits = master.view(at::kInt), high = (bits + 0x8000).bitwise_right_shift(16);
  values.view(at::kShort).copy_(high.to(at::kShort));
  remainder.copy_((bits - high.bitwise_left_shift(16)).to(at::kShort));
}

}  // namespace

AdamW::AdamW(at::Tensor values, DecayRanges decay, const OptimizerOptions& options)
    : values_(std::move(values)), decay_(std::move(decay)), options_(options) {
  const auto fp32 = values_.options().dtype(at::kFloat);
  first_moment_ = at::zeros(values_.sizes(), fp32);
  second_moment_ = at::zeros(values_.sizes(), fp32);
  if (values_.scalar_type() == at::kBFloat16)
    remainder_ = at::zeros(values_.sizes(), values_.options().dtype(at::kShort));
}

void AdamW::step(at::Tensor& gradients, std::int64_t step, double rate, double gradient_factor) {
  at::NoGradGuard no_grad;
  const double bias1 = 1.0 - std::pow(options_.betas[0], static_cast<double>(step));
  const double bias2 = 1.0 - std::pow(options_.betas[1], static_cast<double>(step));
  if (!values_.is_cpu()) {
    at::Tensor master = this->master();
    const at::Tensor g = gradients.to(at::kFloat).mul_(gradient_factor);
    first_moment_.mul_(options_.betas[0]).add_(g, 1.0 - options_.betas[0]);
    second_moment_.mul_(options_.betas[1]).addcmul_(g, g, 1.0 - options_.betas[1]);
    at::Tensor update = (first_moment_ / bias1).div_((second_moment_ / bias2).sqrt_().add_(options_.eps));
    for (const auto& [begin, end] : decay_)
      update.narrow(0, begin, end - begin).add_(master.narrow(0, begin, end - begin), options_.weight_decay);
    master.sub_(update, rate);
    set_master(master);
    gradients.zero_();
    return;
  }
  cpu::AdamWConstants c{static_cast<float>(rate),
                        0.f,
                        static_cast<float>(options_.betas[0]),
                        static_cast<float>(1.0 - options_.betas[0]),
                        static_cast<float>(options_.betas[1]),
                        static_cast<float>(1.0 - options_.betas[1]),
                        static_cast<float>(options_.eps),
                        static_cast<float>(1.0 / bias1),
                        static_cast<float>(1.0 / std::sqrt(bias2)),
                        static_cast<float>(gradient_factor)};
  const auto run = [&](auto* value, auto* gradient) {
    std::int16_t* remainder = remainder_.defined() ? remainder_.data_ptr<std::int16_t>() : nullptr;
    float *m = first_moment_.data_ptr<float>(), *v = second_moment_.data_ptr<float>();
    for_portions(values_.numel(), decay_, [&](std::int64_t begin, std::int64_t end, bool decays) {
      cpu::AdamWConstants own = c;
      own.decay = decays ? static_cast<float>(rate * options_.weight_decay) : 0.f;
      cpu::adamw_range(value + begin, remainder ? remainder + begin : nullptr, m + begin, v + begin,
                       gradient + begin, end - begin, own);
    });
  };
  if (values_.scalar_type() == at::kFloat)
    run(values_.data_ptr<float>(), gradients.data_ptr<float>());
  else if (gradients.scalar_type() == at::kFloat)
    run(values_.data_ptr<c10::BFloat16>(), gradients.data_ptr<float>());
  else
    run(values_.data_ptr<c10::BFloat16>(), gradients.data_ptr<c10::BFloat16>());
}

at::Tensor AdamW::master() const {
  return remainder_.defined() ? join(values_, remainder_) : values_.clone();
}

void AdamW::set_master(const at::Tensor& weights, std::int64_t begin) {
  at::NoGradGuard no_grad;
  constexpr std::int64_t kPiece = 1 << 20;  // elements: what is made on the way stays small
  for (std::int64_t at = 0; at < weights.numel(); at += kPiece) {
    const at::Tensor piece = weights.narrow(0, at, std::min(kPiece, weights.numel() - at));
    at::Tensor values = values_.narrow(0, begin + at, piece.numel());
    if (!remainder_.defined()) {
      values.copy_(piece);
      continue;
    }
    at::Tensor remainder = remainder_.narrow(0, begin + at, piece.numel());
    split(piece.to(at::kFloat).contiguous(), values, remainder);
  }
}

std::vector<std::pair<const char*, at::Tensor>> AdamW::state() {
  std::vector<std::pair<const char*, at::Tensor>> tensors{{"first_moment", first_moment_},
                                                          {"second_moment", second_moment_}};
  if (remainder_.defined()) tensors.emplace_back("master_remainder", remainder_);
  return tensors;
}

at::Tensor sum_of_squares(const at::Tensor& flat) {
  if (!flat.is_cpu())
    return at::linalg_vector_norm(flat, 2, std::nullopt, false, at::kFloat).to(at::kDouble).square_();
  const std::int64_t portions = (flat.numel() + kPortion - 1) / kPortion;
  std::vector<double> parts(static_cast<std::size_t>(portions));
  const auto run = [&](const auto* x) {
    at::parallel_for(0, portions, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = begin; p < end; ++p)
        parts[static_cast<std::size_t>(p)] =
            cpu::squares_of_range(x + p * kPortion, std::min(kPortion, flat.numel() - p * kPortion));
    });
  };
  if (flat.scalar_type() == at::kFloat)
    run(flat.const_data_ptr<float>());
  else
    run(flat.const_data_ptr<c10::BFloat16>());
  double total = 0.0;
  for (const double part : parts) total += part;
  return at::scalar_tensor(total, at::kDouble);
}

}  // namespace caravan::trainer
