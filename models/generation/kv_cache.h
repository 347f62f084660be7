// Keys and values of the tokens that sequences have seen, in pages.
//
// Promise: a sequence takes pages as it grows, per layer, and gives them back when it ends, when it is cut,
// and in a layer with a sliding window as soon as no later token can see them. A fork shares the pages of
// what it has in common; the last one, where it is not full, is copied when one of its holders goes on. So
// memory follows what is alive. No sequence moves another. Non-goals: threads; one cache belongs to one
// thread, which shares out the work itself.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/llama/llama.h"
#include "models/ops/cpu/kernels.h"

namespace caravan::models {

class KvCache;

// One sequence's place in a cache, which must outlive it.
class KvSequence {
 public:
  explicit KvSequence(KvCache& cache);
  ~KvSequence();
  KvSequence(KvSequence&& other) noexcept;
  KvSequence& operator=(KvSequence&& other) noexcept;

  // Another sequence with the same tokens.
  KvSequence fork() const;

  // What was fed, in order; its length is the next position.
  const std::vector<std::int32_t>& tokens() const { return tokens_; }
  std::int64_t length() const { return static_cast<std::int64_t>(tokens_.size()); }
  // Forgets all from token `length` on. Where a sliding window has already let go of what then is in sight,
  // forgets everything. Returns the length that is left.
  std::int64_t truncate(std::int64_t length);

 private:
  friend class KvCache;
  void release(std::size_t layer, std::size_t first, std::size_t last);
  void clear();

  KvCache* cache_;
  std::vector<std::int32_t> tokens_;
  std::vector<std::vector<std::int32_t>> pages_;  // [layer][page of the sequence], kNoPage where given back
};

class KvCache {
 public:
  static constexpr std::int64_t kPageTokens = cpu::kPageTokens;

  // For sequences of this model: its layers, heads, windows, dtype and device.
  explicit KvCache(const Llama& model);
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;

  // Appends ids and takes pages for them in all layers, except those that tokens behind them cannot see: with
  // `whole` the ids attend by themselves (a prompt in one pass), else each of them needs what its window
  // shows. Throws c10::Error where memory ends; the sequence then is as before.
  void append(KvSequence& sequence, std::span<const std::int32_t> ids, bool whole);
  // Which rows of a qkv_TC belong to a sequence: `count` from first_row on are its tokens from `position` on.
  struct Rows {
    std::int64_t first_row, position, count;
  };
  // Writes keys and values of rotated qkv_TC.
  void write(const KvSequence& sequence, std::int64_t layer, const at::Tensor& qkv_TC, const Rows& rows);
  // One query row each: the tokens it sees end with its own.
  struct Query {
    const KvSequence* sequence;
    std::int64_t position;
  };
  // Rotated qkv_BC, row b being queries[b] -> attended_B(HE).
  at::Tensor attend(std::int64_t layer, std::span<const Query> queries, const at::Tensor& qkv_BC) const;
  // Gives back the pages that no token after the sequence's last can see.
  void release_unseen(KvSequence& sequence);

  std::int64_t page_bytes() const;  // of one layer
  // The most pages that `forks` sequences of `length` tokens hold whose first `shared` tokens are shared.
  std::int64_t pages_for(std::int64_t length, std::int64_t shared = 0, std::int64_t forks = 1) const;
  std::int64_t pages_in_use() const { return pages_made_ - static_cast<std::int64_t>(free_.size()); }
  std::int64_t peak_pages_in_use() const { return peak_in_use_; }  // at any time so far
  // Uses LibTorch's operations on the CPU too, as on devices without kernels of ours: the reference of the
  // tests.
  void use_composed_ops() { composed_ = true; }

 private:
  friend class KvSequence;
  static constexpr std::int32_t kNoPage = -1;

  std::int32_t take();
  void give(std::int32_t index);
  // Gives the sequence a page of its own in place of one that others hold too.
  void own_last_pages(KvSequence& sequence);
  // First token a query at `position` sees in this layer.
  std::int64_t first_visible(std::size_t layer, std::int64_t position) const;
  at::Tensor page(std::int32_t index) const;
  at::Tensor keys_of(const at::Tensor& heads, const AttentionOptions& o) const;
  at::Tensor values_of(const at::Tensor& heads, const AttentionOptions& o) const;
  template <class T>
  T* page_data(std::int32_t index) const;
  template <class T>
  void write_rows(const KvSequence& sequence, std::int64_t layer, const at::Tensor& qkv_TC, const Rows& rows);
  void write_composed(const KvSequence& sequence, std::int64_t layer, const at::Tensor& qkv_TC,
                      const Rows& rows);
  template <class T>
  void attend_rows(std::int64_t layer, std::span<const Query> queries, const at::Tensor& qkv_BC,
                   at::Tensor& out_BHE) const;
  at::Tensor attend_composed(std::int64_t layer, std::span<const Query> queries,
                             const at::Tensor& qkv_BC) const;

  std::vector<AttentionOptions> options_;  // [layer]
  at::TensorOptions tensor_options_;
  std::int64_t pack_ = 1;           // elements in 4 bytes
  std::int64_t value_columns_ = 0;  // of a page's values
  std::int64_t page_elements_ = 0;
  std::int64_t pages_per_slab_ = 1;
  std::int64_t pages_made_ = 0;
  std::int64_t peak_in_use_ = 0;
  bool composed_ = false;
  std::vector<at::Tensor> slabs_;      // [pages_per_slab_, page_elements_]
  std::vector<std::int32_t> free_;     // the next page taken is the last of these
  std::vector<std::int32_t> holders_;  // [page] sequences that hold it
};

}  // namespace caravan::models
