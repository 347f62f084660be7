#include "trainer/optim/adamw.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "models/ops/composed_scope.h"
#include "trainer/optim/composed_adamw.h"
#include "trainer/optim/cpu/adamw_kernel.h"

namespace caravan::trainer {

namespace {

constexpr std::int64_t kPortion = 1 << 16;  // elements a thread takes at a time
// Elements that a device updates at a time: few enough for what is made on the way (some 100 MiB), enough to
// keep a GPU busy.
constexpr std::int64_t kDevicePortion = 1 << 22;

struct Portion {
  std::int64_t begin, end;
  bool decays;
};

// [0, size) in portions that lie wholly inside or outside of the decayed ranges.
std::vector<Portion> portions_of(std::int64_t size, const DecayRanges& decay, std::int64_t longest) {
  std::vector<Portion> portions;
  const auto add = [&](std::int64_t begin, std::int64_t end, bool decays) {
    for (; begin < end; begin += longest) portions.push_back({begin, std::min(end, begin + longest), decays});
  };
  std::int64_t at = 0;
  for (const auto& [begin, end] : decay) {
    add(at, begin, false);
    add(begin, end, true);
    at = end;
  }
  add(at, size, false);
  return portions;
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
  const cpu::AdamWConstants constants{static_cast<float>(rate),
                                      0.f,
                                      static_cast<float>(options_.betas[0]),
                                      static_cast<float>(1.0 - options_.betas[0]),
                                      static_cast<float>(options_.betas[1]),
                                      static_cast<float>(1.0 - options_.betas[1]),
                                      static_cast<float>(options_.eps),
                                      static_cast<float>(1.0 / bias1),
                                      static_cast<float>(1.0 / std::sqrt(bias2)),
                                      static_cast<float>(gradient_factor)};
  const auto decayed = static_cast<float>(rate * options_.weight_decay);
  if (!models::has_kernels(values_))
    step_composed(gradients, constants, decayed);
  else if (values_.scalar_type() == at::kFloat)
    step_on_cpu(values_.data_ptr<float>(), gradients.data_ptr<float>(), constants, decayed);
  else if (gradients.scalar_type() == at::kFloat)
    step_on_cpu(values_.data_ptr<c10::BFloat16>(), gradients.data_ptr<float>(), constants, decayed);
  else
    step_on_cpu(values_.data_ptr<c10::BFloat16>(), gradients.data_ptr<c10::BFloat16>(), constants, decayed);
}

void AdamW::step_composed(const at::Tensor& gradients, cpu::AdamWConstants constants, float decayed) {
  for (const Portion& portion : portions_of(values_.numel(), decay_, kDevicePortion)) {
    const auto part = [&](const at::Tensor& x) {
      return x.defined() ? x.narrow(0, portion.begin, portion.end - portion.begin) : x;
    };
    constants.decay = portion.decays ? decayed : 0.f;
    adamw_composed(part(values_), part(remainder_), part(first_moment_), part(second_moment_),
                   part(gradients), constants);
  }
}

template <class Value, class Gradient>
void AdamW::step_on_cpu(Value* values, Gradient* gradients, const cpu::AdamWConstants& constants,
                        float decayed) {
  std::int16_t* remainder = remainder_.defined() ? remainder_.data_ptr<std::int16_t>() : nullptr;
  float *m = first_moment_.data_ptr<float>(), *v = second_moment_.data_ptr<float>();
  const std::vector<Portion> portions = portions_of(values_.numel(), decay_, kPortion);
  at::parallel_for(0, static_cast<std::int64_t>(portions.size()), 1,
                   [&](std::int64_t first, std::int64_t last) {
                     for (std::int64_t p = first; p < last; ++p) {
                       const auto& [begin, end, decays] = portions[static_cast<std::size_t>(p)];
                       cpu::AdamWConstants own = constants;
                       own.decay = decays ? decayed : 0.f;
                       cpu::adamw_range(values + begin, remainder ? remainder + begin : nullptr, m + begin,
                                        v + begin, gradients + begin, end - begin, own);
                     }
                   });
}

at::Tensor AdamW::master(std::int64_t begin, std::int64_t count) const {
  const at::Tensor values = values_.narrow(0, begin, count);
  return remainder_.defined() ? join_master(values, remainder_.narrow(0, begin, count)) : values.clone();
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
    split_master(piece.to(values.device(), at::kFloat).contiguous(), values, remainder);
  }
}

std::vector<std::pair<const char*, at::Tensor>> AdamW::state() {
  std::vector<std::pair<const char*, at::Tensor>> tensors{{"first_moment", first_moment_},
                                                          {"second_moment", second_moment_}};
  if (remainder_.defined()) tensors.emplace_back("master_remainder", remainder_);
  return tensors;
}

}  // namespace caravan::trainer
