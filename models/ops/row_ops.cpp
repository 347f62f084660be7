#include "models/ops/row_ops.h"

#include <ATen/ATen.h>
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "models/ops/composed_ops.h"
#include "models/ops/composed_scope.h"
#include "models/ops/cpu/kernels.h"

namespace caravan::models {

namespace {

// Rows are dealt to threads in fixed portions, and partial sums are added in their order: results do not
// depend on the number of threads.
constexpr std::int64_t kRowsPerPortion = 64;

template <class Body>
void for_portions(std::int64_t rows, Body body) {
  const std::int64_t portions = (rows + kRowsPerPortion - 1) / kRowsPerPortion;
  at::parallel_for(0, portions, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      body(p, p * kRowsPerPortion, std::min(rows - p * kRowsPerPortion, kRowsPerPortion));
  });
}

template <class Body>
void with_dtype(const at::Tensor& x, const char* name, Body body) {
  if (x.scalar_type() == at::kFloat) return body(float{});
  TORCH_CHECK(x.scalar_type() == at::kBFloat16, name, ": dtype ", x.scalar_type(),
              " is not supported; use fp32 or bf16");
  body(c10::BFloat16{});
}

void norm_rows(const at::Tensor& x, const at::Tensor& w, at::Tensor& y, const at::Tensor& rstd,
               const NormOptions& o, bool reuse) {
  TORCH_CHECK(
      x.dim() == 2 && x.stride(1) == 1 && w.numel() == x.size(1) && w.scalar_type() == x.scalar_type(),
      "rms_norm: x ", x.sizes(), " ", x.scalar_type(), ", weight ", w.sizes(), " ", w.scalar_type());
  with_dtype(x, "rms_norm", [&](auto zero) {
    using T = decltype(zero);
    const auto& kernels = cpu::kernels<T>();
    for_portions(x.size(0), [&](std::int64_t, std::int64_t row, std::int64_t rows) {
      kernels.rms_norm(x.const_data_ptr<T>() + row * x.stride(0), x.stride(0), w.const_data_ptr<T>(),
                       y.data_ptr<T>() + row * y.stride(0), y.stride(0), rstd.data_ptr<float>() + row, rows,
                       x.size(1), o.eps, o.round_first, reuse);
    });
  });
}

}  // namespace

std::pair<at::Tensor, at::Tensor> rms_norm(const at::Tensor& x_TD, const at::Tensor& weight_D,
                                           const NormOptions& options) {
  if (!has_kernels(x_TD)) return composed::rms_norm(x_TD, weight_D, options);
  at::Tensor y_TD = at::empty(x_TD.sizes(), x_TD.options());
  at::Tensor rstd_T = at::empty({x_TD.size(0)}, x_TD.options().dtype(at::kFloat));
  norm_rows(x_TD, weight_D, y_TD, rstd_T, options, false);
  return {y_TD, rstd_T};
}

at::Tensor rms_norm_again(const at::Tensor& x_TD, const at::Tensor& weight_D, const at::Tensor& rstd_T,
                          const NormOptions& options) {
  if (!has_kernels(x_TD)) return composed::rms_norm(x_TD, weight_D, options).first;
  at::Tensor y_TD = at::empty(x_TD.sizes(), x_TD.options());
  norm_rows(x_TD, weight_D, y_TD, rstd_T, options, true);
  return y_TD;
}

at::Tensor rms_norm_backward(const at::Tensor& x_TD, const at::Tensor& weight_D, const at::Tensor& rstd_T,
                             const at::Tensor& dy_TD, const at::Tensor& gradient_D) {
  if (!has_kernels(x_TD)) return composed::rms_norm_backward(x_TD, weight_D, rstd_T, dy_TD, gradient_D);
  TORCH_CHECK(x_TD.sizes() == dy_TD.sizes() && x_TD.scalar_type() == dy_TD.scalar_type() &&
                  x_TD.scalar_type() == weight_D.scalar_type() && x_TD.stride(1) == 1 &&
                  dy_TD.stride(1) == 1 && rstd_T.numel() == x_TD.size(0),
              "rms_norm_backward: x ", x_TD.sizes(), " ", x_TD.scalar_type(), ", gradient ", dy_TD.sizes(),
              " ", dy_TD.scalar_type());
  const std::int64_t rows_total = x_TD.size(0), width = x_TD.size(1);
  const std::int64_t portions = (rows_total + kRowsPerPortion - 1) / kRowsPerPortion;
  at::Tensor dx_TD = at::empty(x_TD.sizes(), x_TD.options());
  at::Tensor partial = at::zeros({portions, width}, x_TD.options().dtype(at::kFloat));
  with_dtype(x_TD, "rms_norm_backward", [&](auto zero) {
    using T = decltype(zero);
    const auto& kernels = cpu::kernels<T>();
    for_portions(rows_total, [&](std::int64_t portion, std::int64_t row, std::int64_t rows) {
      kernels.rms_norm_backward(x_TD.const_data_ptr<T>() + row * x_TD.stride(0), x_TD.stride(0),
                                weight_D.const_data_ptr<T>(), rstd_T.const_data_ptr<float>() + row,
                                dy_TD.const_data_ptr<T>() + row * dy_TD.stride(0), dy_TD.stride(0),
                                dx_TD.data_ptr<T>() + row * width, width,
                                partial.data_ptr<float>() + portion * width, rows, width);
    });
  });
  if (gradient_D.defined()) gradient_D.add_(partial.sum(0));
  return dx_TD;
}

RotaryTable make_rotary_table(const std::vector<float>& inv_freq, double attention_scaling,
                              std::int64_t num_positions, at::ScalarType rounding, const at::Device& device) {
  const auto fp32 = at::TensorOptions().dtype(at::kFloat);
  const at::Tensor frequencies =
      at::from_blob(const_cast<float*>(inv_freq.data()), {static_cast<std::int64_t>(inv_freq.size())}, fp32)
          .clone();
  const at::Tensor angles = at::arange(num_positions, fp32).unsqueeze(1) * frequencies.unsqueeze(0);
  const auto finish = [&](const at::Tensor& x) {
    return (x * attention_scaling).to(rounding).to(at::kFloat).contiguous().to(device);
  };
  return {finish(angles.cos()), finish(angles.sin())};
}

void rotate_(at::Tensor& x_TC, std::int64_t heads, std::int64_t head_dim, const RotaryTable& table,
             const PackedLayout& layout, bool inverse) {
  if (!has_kernels(x_TC)) return composed::rotate_(x_TC, heads, head_dim, table, layout, inverse);
  const std::vector<std::int32_t>& positions = layout.positions;
  TORCH_CHECK(x_TC.stride(1) == 1 && x_TC.size(0) == static_cast<std::int64_t>(positions.size()) &&
                  x_TC.size(1) >= heads * head_dim && table.cos.size(1) * 2 == head_dim,
              "rotate_: x ", x_TC.sizes(), ", heads ", heads, " of width ", head_dim, ", ", positions.size(),
              " positions");
  for (const std::int32_t position : positions)
    TORCH_CHECK(position >= 0 && position < table.cos.size(0), "rotate_: position ", position,
                " is outside the table of ", table.cos.size(0));
  const std::int64_t half = head_dim / 2;
  with_dtype(x_TC, "rotate_", [&](auto zero) {
    using T = decltype(zero);
    const auto& kernels = cpu::kernels<T>();
    const float *cos = table.cos.const_data_ptr<float>(), *sin = table.sin.const_data_ptr<float>();
    for_portions(x_TC.size(0), [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      for (std::int64_t row = first; row < first + rows; ++row) {
        T* x = x_TC.data_ptr<T>() + row * x_TC.stride(0);
        const std::int64_t at = positions[static_cast<std::size_t>(row)] * half;
        for (std::int64_t head = 0; head < heads; ++head, x += head_dim)
          kernels.rotate(x, x, cos + at, sin + at, half, inverse);
      }
    });
  });
}

at::Tensor swiglu(const at::Tensor& gate_up_T2F) {
  if (!has_kernels(gate_up_T2F)) return composed::swiglu(gate_up_T2F);
  TORCH_CHECK(gate_up_T2F.dim() == 2 && gate_up_T2F.is_contiguous() && gate_up_T2F.size(1) % 2 == 0,
              "swiglu: gate_up ", gate_up_T2F.sizes(), " must be a contiguous [T, 2 F]");
  const std::int64_t width = gate_up_T2F.size(1) / 2;
  at::Tensor act_TF = at::empty({gate_up_T2F.size(0), width}, gate_up_T2F.options());
  with_dtype(gate_up_T2F, "swiglu", [&](auto zero) {
    using T = decltype(zero);
    for_portions(gate_up_T2F.size(0), [&](std::int64_t, std::int64_t row, std::int64_t rows) {
      cpu::kernels<T>().swiglu(gate_up_T2F.const_data_ptr<T>() + row * 2 * width,
                               act_TF.data_ptr<T>() + row * width, rows, width);
    });
  });
  return act_TF;
}

at::Tensor swiglu_backward(const at::Tensor& gate_up_T2F, const at::Tensor& d_act_TF) {
  if (!has_kernels(gate_up_T2F)) return composed::swiglu_backward(gate_up_T2F, d_act_TF);
  const std::int64_t width = d_act_TF.size(1);
  TORCH_CHECK(gate_up_T2F.is_contiguous() && d_act_TF.is_contiguous() && gate_up_T2F.size(1) == 2 * width &&
                  gate_up_T2F.size(0) == d_act_TF.size(0) &&
                  gate_up_T2F.scalar_type() == d_act_TF.scalar_type(),
              "swiglu_backward: gate_up ", gate_up_T2F.sizes(), " ", gate_up_T2F.scalar_type(), ", gradient ",
              d_act_TF.sizes(), " ", d_act_TF.scalar_type());
  at::Tensor d_gate_up_T2F = at::empty(gate_up_T2F.sizes(), gate_up_T2F.options());
  with_dtype(gate_up_T2F, "swiglu_backward", [&](auto zero) {
    using T = decltype(zero);
    for_portions(gate_up_T2F.size(0), [&](std::int64_t, std::int64_t row, std::int64_t rows) {
      cpu::kernels<T>().swiglu_backward(gate_up_T2F.const_data_ptr<T>() + row * 2 * width,
                                        d_act_TF.const_data_ptr<T>() + row * width,
                                        d_gate_up_T2F.data_ptr<T>() + row * 2 * width, rows, width);
    });
  });
  return d_gate_up_T2F;
}

void add_rows_(at::Tensor& table_VD, const at::Tensor& ids_T, const at::Tensor& rows_TD) {
  if (!has_kernels(table_VD)) return composed::add_rows_(table_VD, ids_T, rows_TD);
  const std::int64_t tokens = ids_T.size(0), width = table_VD.size(1);
  const at::Tensor rows = rows_TD.contiguous();
  TORCH_CHECK(table_VD.is_contiguous() && rows.sizes() == at::IntArrayRef({tokens, width}),
              "add_rows: table ", table_VD.sizes(), ", ids ", ids_T.sizes(), ", rows ", rows.sizes());
  const std::int64_t* ids = ids_T.const_data_ptr<std::int64_t>();
  std::vector<std::int64_t> by_id(static_cast<std::size_t>(tokens));
  std::iota(by_id.begin(), by_id.end(), std::int64_t{0});
  std::stable_sort(by_id.begin(), by_id.end(),
                   [&](std::int64_t a, std::int64_t b) { return ids[a] < ids[b]; });
  // Each thread has a range of columns: no two meet.
  const auto add = [&](auto* table, const auto* from, std::int64_t begin, std::int64_t end) {
    std::vector<float> sums(static_cast<std::size_t>(end - begin));
    for (std::size_t i = 0; i < by_id.size();) {
      const std::int64_t id = ids[by_id[i]];
      auto* to = table + id * width + begin;
      std::copy(to, to + (end - begin), sums.begin());
      for (; i < by_id.size() && ids[by_id[i]] == id; ++i) {
        const auto* row = from + by_id[i] * width + begin;
        for (std::size_t d = 0; d < sums.size(); ++d) sums[d] += static_cast<float>(row[d]);
      }
      std::copy(sums.begin(), sums.end(), to);
    }
  };
  with_dtype(table_VD, "add_rows", [&](auto table_zero) {
    with_dtype(rows, "add_rows", [&](auto zero) {
      at::parallel_for(0, width, std::max<std::int64_t>(1, width / at::get_num_threads()),
                       [&](std::int64_t begin, std::int64_t end) {
                         add(table_VD.data_ptr<decltype(table_zero)>(), rows.const_data_ptr<decltype(zero)>(),
                             begin, end);
                       });
    });
  });
}

}  // namespace caravan::models
