// AdamW over one flat buffer of parameters, with fp32 master weights always.
//
// fp32 parameters are their own master. For bf16 parameters the master is kept as the parameter plus a 16-bit
// remainder: the bits of the fp32 weight are (bf16 << 16) + remainder, which is exact and needs two bytes
// instead of four. The bf16 value is therefore the master rounded to nearest, ties upward. State is a pure
// function of the gradients seen: no random numbers, no clock.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "trainer/optim/cpu/adamw_kernel.h"
#include "trainer/optim/optimizer_options.h"

namespace caravan::trainer {

// Half-open ranges of elements that weight decay applies to; sorted.
using DecayRanges = std::vector<std::pair<std::int64_t, std::int64_t>>;

class AdamW {
 public:
  // `values` [P], fp32 or bf16, is updated in place by step() and must outlive the optimizer.
  AdamW(at::Tensor values, DecayRanges decay, const OptimizerOptions& options);

  // One update with `gradients` [P] (fp32 or the dtype of values) times `gradient_factor` (a clip factor),
  // then sets them to zero. `step` counts from 1. arXiv 1711.05101: p *= 1 - rate * decay; p -= rate * m_hat
  // / (sqrt(v_hat) + eps). Nothing waits for the device.
  void step(at::Tensor& gradients, std::int64_t step, double rate, double gradient_factor);

  // The fp32 weights [P], or `count` of them from `begin` on, made when asked. And back: sets values and
  // remainder from `weights`, one-dimensional, which begin with element `begin`.
  at::Tensor master() const { return master(0, values_.numel()); }
  at::Tensor master(std::int64_t begin, std::int64_t count) const;
  void set_master(const at::Tensor& weights, std::int64_t begin = 0);

  // Everything a checkpoint must hold beside the values: name and tensor. The tensors are the state itself.
  std::vector<std::pair<const char*, at::Tensor>> state();

 private:
  void step_composed(const at::Tensor& gradients, cpu::AdamWConstants constants, float decayed);
  template <class Value, class Gradient>
  void step_on_cpu(Value* values, Gradient* gradients, const cpu::AdamWConstants& constants, float decayed);

  at::Tensor values_, remainder_, first_moment_, second_moment_;
  DecayRanges decay_;
  OptimizerOptions options_;
};

}  // namespace caravan::trainer
