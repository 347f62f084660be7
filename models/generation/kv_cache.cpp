#include "models/generation/kv_cache.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "models/ops/composed_scope.h"

namespace caravan::models {

namespace {

constexpr std::int64_t kSlabBytes = std::int64_t{4} << 20;
// Scores times width below which one thread does all of attention.
constexpr std::int64_t kSerialAttention = 1 << 15;

std::int64_t value_columns(const AttentionOptions& o) {
  return (o.head_dim + cpu::kValueColumns - 1) / cpu::kValueColumns * cpu::kValueColumns;
}

// A page of one layer holds for each kv head the keys [E / pack][token][pack], then the values
// [token / pack][columns][pack].
std::int64_t head_elements(const AttentionOptions& o) {
  return KvCache::kPageTokens * (o.head_dim + value_columns(o));
}

template <class T>
void write_key(const T* k, std::int64_t width, std::int64_t slot, T* to) {
  constexpr std::int64_t kPack = 4 / sizeof(T);
  for (std::int64_t u = 0; u < width / kPack; ++u)
    std::memcpy(to + (u * KvCache::kPageTokens + slot) * kPack, k + u * kPack, 4);
}

template <class T>
void write_value(const T* v, std::int64_t width, std::int64_t slot, T* to, std::int64_t columns) {
  constexpr std::int64_t kPack = 4 / sizeof(T);
  T* first = to + slot / kPack * columns * kPack + slot % kPack;
  for (std::int64_t e = 0; e < width; ++e) first[e * kPack] = v[e];
}

}  // namespace

KvSequence::KvSequence(KvCache& cache) : cache_(&cache), pages_(cache.options_.size()) {}

KvSequence::~KvSequence() {
  if (cache_) clear();
}

KvSequence::KvSequence(KvSequence&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)),
      tokens_(std::move(other.tokens_)),
      pages_(std::move(other.pages_)) {}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  std::swap(cache_, other.cache_);
  std::swap(tokens_, other.tokens_);
  std::swap(pages_, other.pages_);
  return *this;
}

void KvSequence::release(std::size_t layer, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) {
    std::int32_t& page = pages_[layer][i];
    if (page != KvCache::kNoPage) cache_->give(page);
    page = KvCache::kNoPage;
  }
}

KvSequence KvSequence::fork() const {
  KvSequence twin(*cache_);
  twin.tokens_ = tokens_;
  twin.pages_ = pages_;
  for (const auto& table : pages_)
    for (const std::int32_t page : table)
      if (page != KvCache::kNoPage) ++cache_->holders_[static_cast<std::size_t>(page)];
  return twin;
}

void KvSequence::clear() {
  for (std::size_t layer = 0; layer < pages_.size(); ++layer) {
    release(layer, 0, pages_[layer].size());
    pages_[layer].clear();
  }
  tokens_.clear();
}

std::int64_t KvSequence::truncate(std::int64_t length) {
  TORCH_CHECK(length >= 0, "a sequence cannot be cut to ", length, " tokens");
  if (length >= this->length()) return this->length();
  const auto pages = static_cast<std::size_t>((length + KvCache::kPageTokens - 1) / KvCache::kPageTokens);
  for (std::size_t layer = 0; layer < pages_.size(); ++layer) {
    const auto first = static_cast<std::size_t>(cache_->first_visible(layer, length) / KvCache::kPageTokens);
    for (std::size_t i = first; i < pages; ++i)
      if (pages_[layer][i] == KvCache::kNoPage) {
        clear();
        return 0;
      }
  }
  for (std::size_t layer = 0; layer < pages_.size(); ++layer) {
    release(layer, pages, pages_[layer].size());
    pages_[layer].resize(pages);
  }
  tokens_.resize(static_cast<std::size_t>(length));
  return length;
}

KvCache::KvCache(const Llama& model)
    : tensor_options_(at::TensorOptions().dtype(model.dtype()).device(model.device())),
      pack_(4 / static_cast<std::int64_t>(c10::elementSize(model.dtype()))) {
  for (std::int64_t layer = 0; layer < model.config().num_hidden_layers; ++layer)
    options_.push_back(model.attention_options(layer));
  value_columns_ = value_columns(options_.front());
  page_elements_ = options_.front().num_kv_heads * head_elements(options_.front());
  pages_per_slab_ = std::max<std::int64_t>(1, kSlabBytes / page_bytes());
}

std::int64_t KvCache::page_bytes() const {
  return page_elements_ * 4 / pack_;
}

std::int64_t KvCache::pages_for(std::int64_t length, std::int64_t shared, std::int64_t forks) const {
  std::int64_t pages = 0;
  for (const AttentionOptions& o : options_) {
    const std::int64_t all = (length + kPageTokens - 1) / kPageTokens, common = shared / kPageTokens;
    // Forks leave what a window shows of the shared tokens one by one, and then have all they see to
    // themselves.
    pages += o.window > 0 && o.window / kPageTokens + 2 < all ? forks * (o.window / kPageTokens + 2) + common
                                                              : common + forks * (all - common);
  }
  return pages;
}

std::int64_t KvCache::first_visible(std::size_t layer, std::int64_t position) const {
  const std::int64_t window = options_[layer].window;
  return window > 0 ? std::max<std::int64_t>(0, position - window + 1) : 0;
}

at::Tensor KvCache::page(std::int32_t index) const {
  return slabs_[static_cast<std::size_t>(index / pages_per_slab_)].select(0, index % pages_per_slab_);
}

std::int32_t KvCache::take() {
  if (free_.empty()) {
    slabs_.push_back(at::empty({pages_per_slab_, page_elements_}, tensor_options_));
    for (std::int64_t i = pages_per_slab_; i-- > 0;)
      free_.push_back(static_cast<std::int32_t>(pages_made_ + i));
    pages_made_ += pages_per_slab_;
    holders_.resize(static_cast<std::size_t>(pages_made_), 0);
  }
  const std::int32_t index = free_.back();
  // Zeros: what lies behind a sequence's end is multiplied with the rest of its page, by weights of 0.
  page(index).zero_();
  free_.pop_back();
  peak_in_use_ = std::max(peak_in_use_, pages_in_use());
  holders_[static_cast<std::size_t>(index)] = 1;
  return index;
}

void KvCache::give(std::int32_t index) {
  if (--holders_[static_cast<std::size_t>(index)] == 0) free_.push_back(index);
}

void KvCache::own_last_pages(KvSequence& sequence) {
  if (sequence.length() % kPageTokens == 0) return;
  for (auto& table : sequence.pages_) {
    std::int32_t& last = table[static_cast<std::size_t>(sequence.length() / kPageTokens)];
    if (last == kNoPage || holders_[static_cast<std::size_t>(last)] == 1) continue;
    const std::int32_t own = take();
    page(own).copy_(page(last));
    give(std::exchange(last, own));
  }
}

void KvCache::append(KvSequence& sequence, std::span<const std::int32_t> ids, bool whole) {
  const std::int64_t before = sequence.length(), after = before + static_cast<std::int64_t>(ids.size());
  const auto pages = static_cast<std::size_t>((after + kPageTokens - 1) / kPageTokens);
  own_last_pages(sequence);
  try {
    for (std::size_t layer = 0; layer < options_.size(); ++layer) {
      auto& table = sequence.pages_[layer];
      const auto needed =
          static_cast<std::size_t>(first_visible(layer, whole ? after : before) / kPageTokens);
      while (table.size() < pages) {
        table.push_back(kNoPage);
        if (table.size() > needed) table.back() = take();
      }
    }
    sequence.tokens_.insert(sequence.tokens_.end(), ids.begin(), ids.end());
  } catch (...) {
    sequence.truncate(before);
    for (std::size_t layer = 0; layer < options_.size(); ++layer) {
      const auto kept = static_cast<std::size_t>((before + kPageTokens - 1) / kPageTokens);
      sequence.release(layer, std::min(kept, sequence.pages_[layer].size()), sequence.pages_[layer].size());
      sequence.pages_[layer].resize(std::min(kept, sequence.pages_[layer].size()));
    }
    throw;
  }
}

void KvCache::release_unseen(KvSequence& sequence) {
  for (std::size_t layer = 0; layer < options_.size(); ++layer) {
    const std::int64_t first = first_visible(layer, sequence.length());
    sequence.release(layer, 0,
                     std::min(sequence.pages_[layer].size(), static_cast<std::size_t>(first / kPageTokens)));
  }
}

// [K, E / pack, token, pack] and [K, token / pack, columns, pack] of a page's heads [K, ...].
at::Tensor KvCache::keys_of(const at::Tensor& heads, const AttentionOptions& o) const {
  return heads.narrow(1, 0, kPageTokens * o.head_dim).unflatten(1, {o.head_dim / pack_, kPageTokens, pack_});
}
at::Tensor KvCache::values_of(const at::Tensor& heads, const AttentionOptions& o) const {
  return heads.narrow(1, kPageTokens * o.head_dim, kPageTokens * value_columns_)
      .unflatten(1, {kPageTokens / pack_, value_columns_, pack_});
}

template <class T>
T* KvCache::page_data(std::int32_t index) const {
  return slabs_[static_cast<std::size_t>(index / pages_per_slab_)].data_ptr<T>() +
         index % pages_per_slab_ * page_elements_;
}

template <class T>
void KvCache::write_rows(const KvSequence& sequence, std::int64_t layer, const at::Tensor& qkv_TC,
                         const Rows& rows) {
  const AttentionOptions& o = options_[static_cast<std::size_t>(layer)];
  const auto& table = sequence.pages_[static_cast<std::size_t>(layer)];
  const std::int64_t E = o.head_dim, K = o.num_kv_heads, row = qkv_TC.stride(0);
  const T* first_k = qkv_TC.const_data_ptr<T>() + rows.first_row * row + o.num_heads * E;
  at::parallel_for(0, rows.count, kPageTokens, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t position = rows.position + i, slot = position % kPageTokens;
      const std::int32_t index = table[static_cast<std::size_t>(position / kPageTokens)];
      if (index == kNoPage) continue;
      const T *k = first_k + i * row, *v = k + K * E;
      T* to = page_data<T>(index);
      for (std::int64_t head = 0; head < K; ++head, k += E, v += E, to += head_elements(o)) {
        write_key(k, E, slot, to);
        write_value(v, E, slot, to + kPageTokens * E, value_columns_);
      }
    }
  });
}

// The same by copies of LibTorch's, page by page: for devices whose memory we cannot address.
void KvCache::write_composed(const KvSequence& sequence, std::int64_t layer, const at::Tensor& qkv_TC,
                             const Rows& rows) {
  const AttentionOptions& o = options_[static_cast<std::size_t>(layer)];
  const std::int64_t E = o.head_dim, K = o.num_kv_heads, depth = E / pack_;
  for (std::int64_t i = 0, part = 0; i < rows.count; i += part) {
    const std::int64_t position = rows.position + i, slot = position % kPageTokens;
    part = std::min(rows.count - i, kPageTokens - slot);
    const std::int32_t index =
        sequence.pages_[static_cast<std::size_t>(layer)][static_cast<std::size_t>(position / kPageTokens)];
    if (index == kNoPage) continue;
    const at::Tensor heads = page(index).view({K, kPageTokens * (E + value_columns_)});
    const at::Tensor from = qkv_TC.narrow(0, rows.first_row + i, part);
    const at::Tensor k = from.narrow(1, o.num_heads * E, K * E),
                     v = from.narrow(1, (o.num_heads + K) * E, K * E);
    at::Tensor keys = keys_of(heads, o).narrow(2, slot, part);
    keys.copy_(k.reshape({part, K, depth, pack_}).permute({1, 2, 0, 3}));
    // One token at a time: two of them share words.
    for (std::int64_t j = 0; j < part; ++j) {
      at::Tensor values = values_of(heads, o).select(1, (slot + j) / pack_).select(2, (slot + j) % pack_);
      values.narrow(1, 0, E).copy_(v.select(0, j).reshape({K, E}));
    }
  }
}

void KvCache::write(const KvSequence& sequence, std::int64_t layer, const at::Tensor& qkv_TC,
                    const Rows& rows) {
  TORCH_CHECK(rows.position >= 0 && rows.position + rows.count <= sequence.length() && rows.first_row >= 0 &&
                  rows.first_row + rows.count <= qkv_TC.size(0) && qkv_TC.stride(1) == 1,
              "key/value cache: ", rows.count, " rows from ", rows.first_row, " of ", qkv_TC.sizes(),
              " for tokens from ", rows.position, " of a sequence of ", sequence.length());
  if (!has_kernels(qkv_TC) || composed_)
    write_composed(sequence, layer, qkv_TC, rows);
  else if (qkv_TC.scalar_type() == at::kFloat)
    write_rows<float>(sequence, layer, qkv_TC, rows);
  else
    write_rows<c10::BFloat16>(sequence, layer, qkv_TC, rows);
}

template <class T>
void KvCache::attend_rows(std::int64_t layer, std::span<const Query> queries, const at::Tensor& qkv_BC,
                          at::Tensor& out_BHE) const {
  const AttentionOptions& o = options_[static_cast<std::size_t>(layer)];
  const std::int64_t E = o.head_dim, K = o.num_kv_heads, group = o.num_heads / K;
  const auto num_queries = static_cast<std::int64_t>(queries.size());
  std::vector<std::vector<const T*>> pages(queries.size());
  std::int64_t keys = 0;
  for (std::size_t b = 0; b < queries.size(); ++b) {
    const auto& table = queries[b].sequence->pages_[static_cast<std::size_t>(layer)];
    for (const std::int32_t index : table)
      pages[b].push_back(index == kNoPage ? nullptr : page_data<T>(index));
    keys += queries[b].position + 1 - first_visible(static_cast<std::size_t>(layer), queries[b].position);
  }
  const auto work = [&](std::int64_t task) {
    const std::int64_t b = task / K, head = task % K, offset = head * head_elements(o);
    const cpu::DecodeShape shape{queries[static_cast<std::size_t>(b)].position + 1,
                                 group,
                                 E,
                                 o.window,
                                 o.scale,
                                 offset,
                                 offset + kPageTokens * E};
    cpu::kernels<T>().attention_decode(shape,
                                       qkv_BC.const_data_ptr<T>() + b * qkv_BC.stride(0) + head * group * E,
                                       pages[static_cast<std::size_t>(b)].data(),
                                       out_BHE.data_ptr<T>() + (b * o.num_heads + head * group) * E);
  };
  const std::int64_t tasks = num_queries * K;
  if (keys * o.num_heads * E < kSerialAttention) {
    for (std::int64_t task = 0; task < tasks; ++task) work(task);
    return;
  }
  // Sequences differ in length, so threads take the next task when they are done with one.
  std::atomic<std::int64_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t worker = begin; worker < end; ++worker)
      for (std::int64_t task = next++; task < tasks; task = next++) work(task);
  });
}

// The reference of the kernel, and what other devices run.
at::Tensor KvCache::attend_composed(std::int64_t layer, std::span<const Query> queries,
                                    const at::Tensor& qkv_BC) const {
  const AttentionOptions& o = options_[static_cast<std::size_t>(layer)];
  const std::int64_t E = o.head_dim, K = o.num_kv_heads, group = o.num_heads / K;
  std::vector<at::Tensor> out;
  for (std::size_t b = 0; b < queries.size(); ++b) {
    const std::int64_t last = queries[b].position + 1,
                       first = first_visible(static_cast<std::size_t>(layer), last - 1);
    const auto& table = queries[b].sequence->pages_[static_cast<std::size_t>(layer)];
    std::vector<at::Tensor> keys, values;  // [K, E, tokens], [K, tokens, E]
    for (std::int64_t i = first / kPageTokens; i * kPageTokens < last; ++i) {
      const at::Tensor heads =
          page(table[static_cast<std::size_t>(i)]).view({K, kPageTokens * (E + value_columns_)});
      keys.push_back(keys_of(heads, o).transpose(2, 3).reshape({K, E, kPageTokens}));
      values.push_back(
          values_of(heads, o).transpose(2, 3).reshape({K, kPageTokens, value_columns_}).narrow(2, 0, E));
    }
    const std::int64_t skip = first % kPageTokens;
    const at::Tensor k = at::cat(keys, 2).narrow(2, skip, last - first).to(at::kFloat);
    const at::Tensor v = at::cat(values, 1).narrow(1, skip, last - first).to(at::kFloat);
    const at::Tensor q =
        qkv_BC.select(0, static_cast<std::int64_t>(b)).narrow(0, 0, o.num_heads * E).view({K, group, E});
    const at::Tensor weights = at::bmm(q.to(at::kFloat), k).mul_(o.scale).softmax(2);
    out.push_back(at::bmm(weights, v).view({1, o.num_heads * E}));
  }
  return at::cat(out, 0).to(qkv_BC.scalar_type());
}

at::Tensor KvCache::attend(std::int64_t layer, std::span<const Query> queries,
                           const at::Tensor& qkv_BC) const {
  const AttentionOptions& o = options_[static_cast<std::size_t>(layer)];
  TORCH_CHECK(qkv_BC.dim() == 2 && qkv_BC.size(0) == static_cast<std::int64_t>(queries.size()) &&
                  qkv_BC.stride(1) == 1 && qkv_BC.size(1) == (o.num_heads + 2 * o.num_kv_heads) * o.head_dim,
              "key/value cache: ", queries.size(), " queries do not fit ", qkv_BC.sizes());
  for (const Query& query : queries)
    TORCH_CHECK(query.position >= 0 && query.position < query.sequence->length(),
                "key/value cache: a query at ", query.position, " of a sequence of ",
                query.sequence->length());
  if (!has_kernels(qkv_BC) || composed_) return attend_composed(layer, queries, qkv_BC);
  at::Tensor out_BHE = at::empty({qkv_BC.size(0), o.num_heads * o.head_dim}, qkv_BC.options());
  if (qkv_BC.scalar_type() == at::kFloat)
    attend_rows<float>(layer, queries, qkv_BC, out_BHE);
  else
    attend_rows<c10::BFloat16>(layer, queries, qkv_BC, out_BHE);
  return out_BHE;
}

}  // namespace caravan::models
