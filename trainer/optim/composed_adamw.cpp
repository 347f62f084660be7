#include "trainer/optim/composed_adamw.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace caravan::trainer {

at::Tensor join_master(const at::Tensor& values, const at::Tensor& remainder) {
  return (values.view(at::kShort).to(at::kInt).bitwise_left_shift(16) + remainder.to(at::kInt))
      .view(at::kFloat);
}

void split_master(const at::Tensor& master, const at::Tensor& values, const at::Tensor& remainder) {
  const at::Tensor bits = master.view(at::kInt), high = (bits + 0x8000).bitwise_right_shift(16);
  values.view(at::kShort).copy_(high.to(at::kShort));
  remainder.copy_((bits - high.bitwise_left_shift(16)).to(at::kShort));
}

void adamw_composed(const at::Tensor& values, const at::Tensor& remainder, const at::Tensor& first_moment,
                    const at::Tensor& second_moment, const at::Tensor& gradients,
                    const cpu::AdamWConstants& c) {
  const auto scalar = [](float x) { return static_cast<double>(x); };
  const at::Tensor g = gradients.to(at::kFloat, false, /*copy=*/true).mul_(scalar(c.gradient_factor));
  first_moment.mul_(scalar(c.beta1)).add_(g, scalar(c.one_minus_beta1));
  second_moment.mul_(scalar(c.beta2)).addcmul_(g, g, scalar(c.one_minus_beta2));
  at::Tensor change = second_moment.sqrt().mul_(scalar(c.correction2)).add_(scalar(c.eps));
  change = first_moment.mul(scalar(c.correction1)).div_(change).mul_(scalar(c.rate));
  const at::Tensor master = remainder.defined() ? join_master(values, remainder) : values;
  if (c.decay != 0.f) change.add_(master, scalar(c.decay));
  // One subtraction of the whole change, as in the kernel: 1 - rate * decay is a bad fp32 number.
  master.sub_(change);
  if (remainder.defined()) split_master(master, values, remainder);
  gradients.zero_();
}

at::Tensor sum_of_squares_composed(const at::Tensor& flat) {
  constexpr std::int64_t kPiece = 1 << 22;  // elements: 32 MiB in fp64
  at::Tensor total = at::zeros({}, flat.options().dtype(at::kDouble));
  for (std::int64_t at = 0; at < flat.numel(); at += kPiece)
    total.add_(
        flat.narrow(0, at, std::min(kPiece, flat.numel() - at)).to(at::kDouble, false, true).square_().sum());
  return total;
}

}  // namespace caravan::trainer
