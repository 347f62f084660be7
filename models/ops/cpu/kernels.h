// The CPU kernels behind models/ops: raw pointers and row ranges, no tensors, no threads. Callers split the
// rows among threads.
//
// The bodies are compiled twice, for AVX2 and for AVX-512 with BF16 products; kernels<T>() picks one at start
// by cpuid, so that one binary runs everywhere. T is float or c10::BFloat16; arithmetic is fp32 throughout.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace caravan::models::cpu {

// Attention of one document for one key/value head. Rows of q are ordered (token, head of the group), G heads
// to a token. Positions count from the start of the prefix that the document sees, where there is one.
struct AttentionShape {
  std::int64_t length = 0;  // tokens of the document
  std::int64_t group = 1;   // G, query heads per key/value head
  std::int64_t width = 0;   // E, a multiple of 2
  std::int64_t window = 0;  // keys a query sees, itself included; 0 = all before it
  float scale = 1.0f;       // on q k^T
  // Elements from one token to the next.
  std::int64_t q_stride = 0, kv_stride = 0, out_stride = 0;
  std::int64_t prefix = 0;  // keys that lie elsewhere and are seen before the document's own
};
template <class T>
struct AttentionRows {
  const T *q = nullptr, *k = nullptr, *v = nullptr;
  const T *prefix_k = nullptr, *prefix_v = nullptr;  // rows of kv_stride, as k and v
};
template <class T>
struct AttentionGradients {
  T *dq = nullptr, *dk = nullptr, *dv = nullptr;     // written; strides as q, k, v
  float *prefix_dk = nullptr, *prefix_dv = nullptr;  // [prefix][E], added to
  // [shared][E] what documents that see the first `shared` rows found for them: added before rounding.
  const float *shared_dk = nullptr, *shared_dv = nullptr;
  std::int64_t shared = 0;
};

// Where cached keys and values lie: pages of kPageTokens tokens. At k_offset of a page the keys as
// [E / pack][token][pack], pack = elements in 4 bytes; at v_offset the values as [token /
// pack][columns][pack], columns = E rounded up to kValueColumns. What lies behind the last token must be
// finite.
constexpr std::int64_t kPageTokens = 64;
constexpr std::int64_t kValueColumns = 16;
struct DecodeShape {
  std::int64_t length = 0;  // keys, the query's own included
  std::int64_t group = 1;   // G
  std::int64_t width = 0;   // E
  std::int64_t window = 0;  // keys the query sees, itself included; 0 = all
  float scale = 1.0f;
  std::int64_t k_offset = 0, v_offset = 0;
};

// y = x w^T (+ bias) (+ residual): sums in fp32 in the order of the depth, rounded once. Each row as if it
// were alone, bit for bit, and so for any range of columns.
template <class T>
struct RowsProduct {
  const T *x = nullptr, *w = nullptr;
  const T *bias = nullptr, *residual = nullptr;  // may be null
  T* y = nullptr;
  std::int64_t rows = 0, depth = 0, outputs = 0;
  std::int64_t x_stride = 0, w_stride = 0, residual_stride = 0, y_stride = 0;
};

constexpr std::int64_t kSumBlock = 512;  // elements of a row that are summed in fp32
struct RowPeak {
  float peak = 0.f;        // the largest logit
  std::int64_t index = 0;  // the first that has it; `count` where the row holds a NaN
  float log_norm = 0.f;    // log of the sum of exp(logit - peak); not finite where a logit is not

  // Of a logit of the row: by the arithmetic of the losses, so that it has the bits of theirs.
  float log_prob(float logit) const { return (logit - peak) - log_norm; }
};

template <class T>
struct KernelTable {
  const char* name;

  // y = x * rstd * w, rstd = 1 / sqrt(mean(x^2) + eps). x, y [rows, width] with row strides; rstd [rows] is
  // written, or read when `reuse_rstd`. `round_first`: x * rstd is rounded to T before the product with w
  // (Llama), else after it (OLMo 2).
  void (*rms_norm)(const T* x, std::int64_t x_stride, const T* w, T* y, std::int64_t y_stride, float* rstd,
                   std::int64_t rows, std::int64_t width, float eps, bool round_first, bool reuse_rstd);
  // dx (written) and dw [width] (added, fp32) from dy.
  void (*rms_norm_backward)(const T* x, std::int64_t x_stride, const T* w, const float* rstd, const T* dy,
                            std::int64_t dy_stride, T* dx, std::int64_t dx_stride, float* dw,
                            std::int64_t rows, std::int64_t width);

  // Rotary embedding, half-split form: out[e] = x[e] cos - x[e + E/2] sin, out[e + E/2] = x[e + E/2] cos +
  // x[e] sin. One head of width E. `inverse` turns the other way (the gradient). cos, sin [E/2]. x and out
  // may be the same.
  void (*rotate)(const T* x, T* out, const float* cos, const float* sin, std::int64_t half, bool inverse);

  // act = silu(gate) * up; gate_up [rows, 2 width] holds gate then up.
  void (*swiglu)(const T* gate_up, T* act, std::int64_t rows, std::int64_t width);
  // d_gate_up (written) from d_act.
  void (*swiglu_backward)(const T* gate_up, const T* d_act, T* d_gate_up, std::int64_t rows,
                          std::int64_t width);

  // Causal attention of one document and one key/value head. q, out [length][G][E], k, v [length][E] by their
  // strides; lse [length][G] receives log sum exp of the scaled scores. With a prefix the bits are those of a
  // document that begins with its rows.
  void (*attention)(const AttentionShape& shape, const AttentionRows<T>& rows, T* out, float* lse);
  // Gradients from out, lse and d_out (stride as out).
  void (*attention_backward)(const AttentionShape& shape, const AttentionRows<T>& rows, const T* out,
                             const float* lse, const T* d_out, const AttentionGradients<T>& gradients);

  // One query token of one key/value head's group against cached keys and values (decoding): q, out [G][E].
  // pages[i] is the page of tokens i * kPageTokens on; pages outside the window are not read and may be null.
  // The bits are those of `attention` for the same token.
  void (*attention_decode)(const DecodeShape& shape, const T* q, const T* const* pages, T* out);

  // Columns [first, last) of p.y.
  void (*matmul_rows)(const RowsProduct<T>& p, std::int64_t first, std::int64_t last);

  // sums[i] += x[i].
  void (*add_to)(float* sums, const T* x, std::int64_t count);

  // What sampling needs of a row of logits.
  void (*row_peak)(const T* logits, std::int64_t count, RowPeak* out);
  // scores[i] = logits[i] / temperature in fp32.
  void (*scale_row)(const T* logits, std::int64_t count, float temperature, float* scores);
  // weights[i] = exp(scores[i] - peak) in fp32; block_sums[b] is the sum of weights [b * kSumBlock, ...).
  void (*weigh_row)(const float* scores, std::int64_t count, float peak, float* weights, double* block_sums);
};

// The fastest table this machine can run. Thread safe.
template <class T>
const KernelTable<T>& kernels();

// "avx512" (with bf16) or "avx2": what kernels() chose.
const char* kernel_isa();

}  // namespace caravan::models::cpu
