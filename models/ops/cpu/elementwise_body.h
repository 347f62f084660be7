// Row kernels: RMS norm, rotary embedding, SwiGLU. Compiled once per instruction set; see kernels.h for what
// each promises.
#pragma once

#include "models/ops/cpu/simd.h"

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

template <class T>
void rms_norm(const T* x, std::int64_t x_stride, const T* w, T* y, std::int64_t y_stride, float* rstd,
              std::int64_t rows, std::int64_t width, float eps, bool round_first, bool reuse_rstd) {
  for (std::int64_t row = 0; row < rows; ++row, x += x_stride, y += y_stride) {
    if (!reuse_rstd) {
      Vec squares(0.f);
      for_lanes(width, [&](std::int64_t i, std::int64_t count) {
        const Vec v = load_at(x, i, count);
        squares = at::vec::fmadd(v, v, squares);
      });
      rstd[row] = 1.f / std::sqrt(sum(squares) / static_cast<float>(width) + eps);
    }
    const Vec r(rstd[row]);
    for_lanes(width, [&](std::int64_t i, std::int64_t count) {
      Vec v = load_at(x, i, count) * r;
      if (round_first) v = round_to<T>(v);
      store_at(y, i, count, v * load_at(w, i, count));
    });
  }
}

template <class T>
void rms_norm_backward(const T* x, std::int64_t x_stride, const T* w, const float* rstd, const T* dy,
                       std::int64_t dy_stride, T* dx, std::int64_t dx_stride, float* dw, std::int64_t rows,
                       std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, x += x_stride, dy += dy_stride, dx += dx_stride) {
    const Vec r(rstd[row]);
    Vec dot(0.f);
    for_lanes(width, [&](std::int64_t i, std::int64_t count) {
      const Vec normed = load_at(x, i, count) * r, g = load_at(dy, i, count);
      dot = at::vec::fmadd(g * load_at(w, i, count), normed, dot);
      store_at(dw, i, count, at::vec::fmadd(g, normed, load_at(dw, i, count)));
    });
    const Vec mean(sum(dot) / static_cast<float>(width));
    for_lanes(width, [&](std::int64_t i, std::int64_t count) {
      const Vec normed = load_at(x, i, count) * r;
      const Vec g = load_at(dy, i, count) * load_at(w, i, count);
      store_at(dx, i, count, (g - normed * mean) * r);
    });
  }
}

template <class T>
void rotate(const T* x, T* out, const float* cos, const float* sin, std::int64_t half, bool inverse) {
  const Vec sign(inverse ? -1.f : 1.f);
  for_lanes(half, [&](std::int64_t i, std::int64_t count) {
    const Vec a = load_at(x, i, count), b = load_at(x + half, i, count);
    const Vec c = load_at(cos, i, count), s = load_at(sin, i, count) * sign;
    store_at(out, i, count, a * c - b * s);
    store_at(out + half, i, count, b * c + a * s);
  });
}

template <class T>
void add_to(float* sums, const T* x, std::int64_t count) {
  for_lanes(count, [&](std::int64_t i, std::int64_t lanes) {
    store_at(sums, i, lanes, load_at(sums, i, lanes) + load_at(x, i, lanes));
  });
}

inline Vec sigmoid(Vec x) {
  return Vec(1.f) / (Vec(1.f) + x.neg().exp_u20());
}

template <class T>
void swiglu(const T* gate_up, T* act, std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows; ++row, gate_up += 2 * width, act += width) {
    for_lanes(width, [&](std::int64_t i, std::int64_t count) {
      const Vec g = load_at(gate_up, i, count), u = load_at(gate_up + width, i, count);
      store_at(act, i, count, g * sigmoid(g) * u);
    });
  }
}

template <class T>
void swiglu_backward(const T* gate_up, const T* d_act, T* d_gate_up, std::int64_t rows, std::int64_t width) {
  for (std::int64_t row = 0; row < rows;
       ++row, gate_up += 2 * width, d_act += width, d_gate_up += 2 * width) {
    for_lanes(width, [&](std::int64_t i, std::int64_t count) {
      const Vec g = load_at(gate_up, i, count), u = load_at(gate_up + width, i, count),
                d = load_at(d_act, i, count);
      const Vec s = sigmoid(g), silu = g * s;
      store_at(d_gate_up, i, count, d * u * (s + silu * (Vec(1.f) - s)));
      store_at(d_gate_up + width, i, count, d * silu);
    });
  }
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
