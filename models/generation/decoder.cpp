#include "models/generation/decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "models/device.h"
#include "models/error.h"
#include "models/ops/gemm.h"

namespace caravan::models {

namespace {

// The tokens of all feeds in a row, where each feed ends, and their positions.
struct PackedFeeds {
  at::Tensor ids_T;
  at::Tensor last_rows_B;
  PackedLayout layout;
};

PackedFeeds pack(std::span<const Decoder::Feed> feeds, const at::Device& device) {
  PackedFeeds packed;
  packed.layout.doc_starts.push_back(0);
  std::vector<std::int64_t> ids, last_rows;
  for (const Decoder::Feed& feed : feeds) {
    for (std::size_t i = 0; i < feed.ids.size(); ++i) {
      ids.push_back(feed.ids[i]);
      packed.layout.positions.push_back(
          static_cast<std::int32_t>(feed.sequence->length() + static_cast<std::int64_t>(i)));
    }
    packed.layout.doc_starts.push_back(static_cast<std::int32_t>(ids.size()));
    last_rows.push_back(static_cast<std::int64_t>(ids.size()) - 1);
  }
  packed.ids_T = device_copy<std::int64_t>(ids, device);
  packed.last_rows_B = device_copy<std::int64_t>(last_rows, device);
  return packed;
}

}  // namespace

void Decoder::check(std::span<const Feed> feeds) const {
  const std::int64_t vocab = model_.config().vocab_size, most = model_.config().max_position_embeddings;
  for (const Feed& feed : feeds) {
    TORCH_CHECK(feed.sequence && !feed.ids.empty(),
                "decoder: a feed needs a sequence and at least one token");
    const std::int64_t length = feed.sequence->length() + static_cast<std::int64_t>(feed.ids.size());
    if (length > most)
      throw Error(Error::Kind::kData, "a sequence of " + std::to_string(length) +
                                          " tokens; max_position_embeddings of the model is " +
                                          std::to_string(most) +
                                          "; shorten the prompt or ask for fewer new tokens");
    for (const std::int32_t id : feed.ids)
      if (id < 0 || id >= vocab)
        throw Error(Error::Kind::kData, "token id " + std::to_string(id) +
                                            " is outside the model's vocabulary of " + std::to_string(vocab) +
                                            "; use the checkpoint's own tokenizer");
  }
}

at::Tensor Decoder::prefill(std::span<const Feed> feeds) {
  PackedFeeds packed = pack(feeds, model_.device());
  const auto context = model_.context(std::move(packed.layout));
  for (const Feed& feed : feeds) cache_.append(*feed.sequence, feed.ids, true);
  at::Tensor hidden_TD = model_.embed(packed.ids_T);
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer) {
    const AttentionOptions o = model_.attention_options(layer);
    at::Tensor qkv_TC = model_.project_qkv(layer, hidden_TD);
    rotate_(qkv_TC, o.num_heads + o.num_kv_heads, o.head_dim, context->rotary, context->layout, false);
    for (std::size_t n = 0; n < feeds.size(); ++n)
      cache_.write(*feeds[n].sequence, layer, qkv_TC,
                   {context->layout.doc_starts[n], 0, static_cast<std::int64_t>(feeds[n].ids.size())});
    hidden_TD = model_.finish_block(layer, hidden_TD, attention(qkv_TC, context->layout, o).first);
  }
  return hidden_TD.index_select(0, packed.last_rows_B);
}

at::Tensor Decoder::extend(std::span<const Feed> feeds) {
  PackedFeeds packed = pack(feeds, model_.device());
  const auto context = model_.context(std::move(packed.layout));
  const auto& layout = context->layout;
  std::vector<KvCache::Query> queries;
  for (std::size_t n = 0; n < feeds.size(); ++n) {
    cache_.append(*feeds[n].sequence, feeds[n].ids, false);
    for (std::int32_t row = layout.doc_starts[n]; row < layout.doc_starts[n + 1]; ++row)
      queries.push_back({feeds[n].sequence, layout.positions[static_cast<std::size_t>(row)]});
  }
  at::Tensor hidden_TD = model_.embed(packed.ids_T);
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer) {
    const AttentionOptions o = model_.attention_options(layer);
    at::Tensor qkv_TC = model_.project_qkv(layer, hidden_TD);
    rotate_(qkv_TC, o.num_heads + o.num_kv_heads, o.head_dim, context->rotary, layout, false);
    for (std::size_t n = 0; n < feeds.size(); ++n)
      cache_.write(*feeds[n].sequence, layer, qkv_TC,
                   {layout.doc_starts[n], layout.positions[static_cast<std::size_t>(layout.doc_starts[n])],
                    static_cast<std::int64_t>(feeds[n].ids.size())});
    hidden_TD = model_.finish_block(layer, hidden_TD, cache_.attend(layer, queries, qkv_TC));
  }
  for (const Feed& feed : feeds) cache_.release_unseen(*feed.sequence);
  return queries.size() == feeds.size() ? hidden_TD : hidden_TD.index_select(0, packed.last_rows_B);
}

at::Tensor Decoder::feed(std::span<const Feed> feeds) {
  at::NoGradGuard no_grad;
  const RowwiseProducts rowwise;
  check(feeds);
  const auto is_new = [](const Feed& feed) { return feed.sequence->length() == 0; };
  const bool all_new = std::all_of(feeds.begin(), feeds.end(), is_new);
  TORCH_CHECK(!feeds.empty() && (all_new || std::none_of(feeds.begin(), feeds.end(), is_new)),
              "decoder: new and running sequences in one call");
  const at::Tensor hidden_BD = all_new ? prefill(feeds) : extend(feeds);
  return model_.logits(model_.final_norm(hidden_BD));
}

}  // namespace caravan::models
