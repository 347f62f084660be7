// Sixteen floats at a time, in GCC vector types: two AVX2 registers or one of AVX-512. Included by the kernel
// bodies only, after their namespace macro is set.
#pragma once

#include <ATen/cpu/vec/functional.h>
#include <ATen/cpu/vec/vec.h>
#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace caravan::models::cpu::CARAVAN_KERNEL_ISA {

using Vec = at::vec::Vectorized<float>;
constexpr std::int64_t kLanes = Vec::size();

typedef float V16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef float V8 __attribute__((vector_size(32), aligned(4), may_alias));

inline V16 splat(float x) {
  return V16{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

// What a product runs over: single floats, or pairs of bf16 in one 32-bit word (the lower half comes first).
template <class T>
struct Operand;

template <>
struct Operand<float> {
  using Unit = float;
  static constexpr std::int64_t kPack = 1;
  template <class V>
  static inline V multiply_add(V acc, Unit a, const Unit* b) {
    V values;
    std::memcpy(&values, b, sizeof values);
    return acc + a * values;
  }
};

template <>
struct Operand<c10::BFloat16> {
  using Unit = std::uint32_t;
  static constexpr std::int64_t kPack = 2;
  template <class V>
  static inline V multiply_add(V acc, Unit a, const Unit* b) {
#if defined(__AVX512BF16__)
    const int pair = static_cast<int>(a);
    if constexpr (sizeof(V) == 64)
      return (V)_mm512_dpbf16_ps((__m512)acc, (__m512bh)_mm512_set1_epi32(pair),
                                 (__m512bh)_mm512_loadu_si512(b));
    else
      return (V)_mm256_dpbf16_ps((__m256)acc, (__m256bh)_mm256_set1_epi32(pair),
                                 (__m256bh)_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
#else
    decltype(acc < acc) pairs;  // integers of the same width
    std::memcpy(&pairs, b, sizeof pairs);
    float low, high;
    const std::uint32_t low_bits = a << 16, high_bits = a & 0xffff0000u;
    std::memcpy(&low, &low_bits, 4);
    std::memcpy(&high, &high_bits, 4);
    acc += low * (V)(pairs << 16);
    return acc + high * (V)(pairs & static_cast<int>(0xffff0000u));
#endif
  }
};

// Rows of T seen as the words a product runs over.
template <class T>
inline const typename Operand<T>::Unit* units(const T* row) {
  return reinterpret_cast<const typename Operand<T>::Unit*>(row);
}

// Loads `kLanes` values as fp32, or the first `count` of them with zeros behind.
inline Vec load(const float* p) {
  return Vec::loadu(p);
}
inline Vec load(const float* p, std::int64_t count) {
  return Vec::loadu(p, count);
}
inline Vec load(const c10::BFloat16* p) {
  Vec out;
  at::vec::load_fp32_from_bf16(p, out);
  return out;
}
inline Vec load(const c10::BFloat16* p, std::int64_t count) {
  float wide[kLanes] = {};
  for (std::int64_t i = 0; i < count; ++i) wide[i] = static_cast<float>(p[i]);
  return Vec::loadu(wide);
}
inline void store(float* p, Vec x) {
  x.store(p);
}
inline void store(float* p, Vec x, std::int64_t count) {
  x.store(p, static_cast<int>(count));
}
inline void store(c10::BFloat16* p, Vec x) {
  at::vec::convert_float_bfloat16(x, x).store(p, static_cast<int>(kLanes));
}
inline void store(c10::BFloat16* p, Vec x, std::int64_t count) {
  at::vec::convert_float_bfloat16(x, x).store(p, static_cast<int>(count));
}
// fp32 to the values of T: what a store and a load would leave.
template <class T>
inline Vec round_to(Vec x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    auto [low, high] = at::vec::convert_bfloat16_float(at::vec::convert_float_bfloat16(x, x));
    return low;
  }
}

inline float sum(Vec x) {
  return at::vec::vec_reduce_all<float>([](Vec a, Vec b) { return a + b; }, x);
}
inline float maximum(Vec x) {
  return at::vec::vec_reduce_all<float>([](Vec a, Vec b) { return at::vec::maximum(a, b); }, x);
}

// f(offset, Loader, Storer) over [0, width) in full vectors and one partial one: calls body(i, count), count
// = 0 for a full vector.
template <class Body>
inline void for_lanes(std::int64_t width, Body body) {
  std::int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) body(i, std::int64_t{0});
  if (i < width) body(i, width - i);
}
template <class T>
inline Vec load_at(const T* p, std::int64_t i, std::int64_t count) {
  return count ? load(p + i, count) : load(p + i);
}
template <class T>
inline void store_at(T* p, std::int64_t i, std::int64_t count, Vec x) {
  if (count)
    store(p + i, x, count);
  else
    store(p + i, x);
}

}  // namespace caravan::models::cpu::CARAVAN_KERNEL_ISA
