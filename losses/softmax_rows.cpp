#include "losses/softmax_rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <cstdlib>
#include <string_view>

#include "losses/cpu/softmax_kernel.h"

namespace caravan::losses {

namespace cpu {

SoftmaxKernel<float> softmax_avx2_float();
SoftmaxKernel<c10::BFloat16> softmax_avx2_bf16();
SoftmaxKernel<float> softmax_avx512_float();
SoftmaxKernel<c10::BFloat16> softmax_avx512_bf16();

namespace {
bool use_avx512() {
  const char* wanted = std::getenv("CARAVAN_CPU_ISA");
  if (wanted && std::string_view(wanted) == "avx2") return false;
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512bf16");
}
}  // namespace

template <>
SoftmaxKernel<float> softmax_kernel<float>() {
  static const SoftmaxKernel<float> kernel = use_avx512() ? softmax_avx512_float() : softmax_avx2_float();
  return kernel;
}
template <>
SoftmaxKernel<c10::BFloat16> softmax_kernel<c10::BFloat16>() {
  static const SoftmaxKernel<c10::BFloat16> kernel =
      use_avx512() ? softmax_avx512_bf16() : softmax_avx2_bf16();
  return kernel;
}

}  // namespace cpu

namespace {

template <class T>
RowTerms rows_on_cpu(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights,
                     const CrossEntropyOptions& o) {
  const std::int64_t rows = logits.size(0), width = logits.size(1);
  RowTerms terms{at::empty({rows}, at::kFloat), at::empty({rows}, at::kFloat), at::empty({rows}, at::kFloat)};
  if (o.entropy) terms.entropy_N = at::empty({rows}, at::kFloat);
  const cpu::RowOptions options{static_cast<float>(o.label_smoothing),
                                static_cast<float>(o.z_loss),
                                static_cast<float>(o.softcap),
                                static_cast<float>(1.0 / o.temperature),
                                o.gradient,
                                o.entropy};
  T* x = logits.data_ptr<T>();
  const std::int64_t* target = targets.const_data_ptr<std::int64_t>();
  const float* weight = weights.const_data_ptr<float>();
  for (std::int64_t row = 0; row < rows; ++row)
    TORCH_CHECK(target[row] >= 0 && target[row] < width, "cross entropy: target ", target[row],
                " is outside the vocabulary of ", width);
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float scale = weight[row] * static_cast<float>(o.gradient_scale);
      const cpu::RowResult r = cpu::softmax_kernel<T>()(x + row * width, width, target[row], scale, options);
      terms.loss_N.data_ptr<float>()[row] = r.loss;
      terms.z_N.data_ptr<float>()[row] = r.z;
      terms.log_probs_N.data_ptr<float>()[row] = r.log_prob;
      if (o.entropy) terms.entropy_N.data_ptr<float>()[row] = r.entropy;
    }
  });
  return terms;
}

}  // namespace

RowTerms cross_entropy_rows_(at::Tensor& logits_NV, const at::Tensor& targets_N, const at::Tensor& weights_N,
                             const CrossEntropyOptions& options) {
  if (!logits_NV.is_cpu()) return cross_entropy_rows_reference_(logits_NV, targets_N, weights_N, options);
  TORCH_CHECK(logits_NV.is_contiguous(), "cross entropy: logits must be contiguous");
  if (logits_NV.scalar_type() == at::kFloat)
    return rows_on_cpu<float>(logits_NV, targets_N, weights_N, options);
  TORCH_CHECK(logits_NV.scalar_type() == at::kBFloat16, "cross entropy: dtype ", logits_NV.scalar_type(),
              " is not supported");
  return rows_on_cpu<c10::BFloat16>(logits_NV, targets_N, weights_N, options);
}

RowTerms cross_entropy_rows_reference_(at::Tensor& logits_NV, const at::Tensor& targets_N,
                                       const at::Tensor& weights_N, const CrossEntropyOptions& o) {
  const at::Tensor raw = logits_NV.to(at::kFloat), target = targets_N.unsqueeze(1);
  const at::Tensor capped = o.softcap > 0.0 ? at::tanh(raw / o.softcap) : at::Tensor();
  const at::Tensor x = (capped.defined() ? capped * o.softcap : raw) / o.temperature;
  const at::Tensor log_sum = x.logsumexp(1), log_prob = x.gather(1, target).squeeze(1) - log_sum;
  const at::Tensor z = log_sum.square() * o.z_loss;
  const at::Tensor loss =
      -(1.0 - o.label_smoothing) * log_prob + o.label_smoothing * (log_sum - x.mean(1)) + z;
  at::Tensor entropy;
  if (o.entropy) {
    const at::Tensor log_p = at::clamp_min(x - log_sum.unsqueeze(1), -1e30);
    entropy = -(log_p.exp() * log_p).sum(1);
  }
  if (o.gradient) {
    at::Tensor d = (x - log_sum.unsqueeze(1)).exp_().mul_((1.0 + 2.0 * o.z_loss * log_sum).unsqueeze(1));
    d.sub_(o.label_smoothing / static_cast<double>(x.size(1)));
    const at::Tensor at_target = at::expm1(log_prob) + 2.0 * o.z_loss * log_sum * log_prob.exp() +
                                 o.label_smoothing * (1.0 - 1.0 / static_cast<double>(x.size(1)));
    d.scatter_(1, target, at_target.unsqueeze(1));
    if (capped.defined()) d.mul_(1.0 - capped.square());
    d.mul_((weights_N * (o.gradient_scale / o.temperature)).unsqueeze(1));
    logits_NV.copy_(d);
  }
  return {loss, z, log_prob, entropy};
}

}  // namespace caravan::losses
