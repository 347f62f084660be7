#include "models/generation/decoder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string>

#include "models/device.h"
#include "models/error.h"

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

template <class Compute>
void Decoder::turn(std::size_t unit, std::size_t next, Compute&& compute) {
  if (access_) access_->begin(unit, next);
  compute();
  if (access_) access_->end(unit);
}

template <class Embed, class Block, class Finish>
void Decoder::walk(Embed&& embed, Block&& block, Finish&& finish) {
  const std::size_t last = model_.units().size() - 1;
  turn(0, 1, embed);
  for (std::size_t unit = 1; unit < last; ++unit)
    turn(unit, unit + 1, [&] { block(static_cast<std::int64_t>(unit) - 1); });
  if (!model_.config().tie_word_embeddings) return turn(last, last, finish);
  // The head is the embedding, and the norm before it the last unit.
  turn(last, 0, [&] { turn(0, 0, finish); });
}

// Rotates, writes the cache and attends. New sequences attend to what is in the pass, as in training; with
// `queries` each row attends to the cache.
at::Tensor Decoder::attend(std::int64_t layer, std::span<const Feed> feeds, const AttentionContext& context,
                           at::Tensor qkv_TC, std::span<const KvCache::Query> queries) {
  const AttentionOptions o = model_.attention_options(layer);
  const PackedLayout& layout = context.layout;
  rotate_(qkv_TC, o.num_heads + o.num_kv_heads, o.head_dim, context.rotary, layout, false);
  for (std::size_t n = 0; n < feeds.size(); ++n)
    cache_.write(*feeds[n].sequence, layer, qkv_TC,
                 {layout.doc_starts[n], layout.positions[static_cast<std::size_t>(layout.doc_starts[n])],
                  static_cast<std::int64_t>(feeds[n].ids.size())});
  return queries.empty() ? attention(qkv_TC, layout, o).first : cache_.attend(layer, queries, qkv_TC);
}

at::Tensor Decoder::feed(std::span<const Feed> feeds) {
  at::NoGradGuard no_grad;
  check(feeds);
  const auto is_new = [](const Feed& feed) { return feed.sequence->length() == 0; };
  const bool all_new = std::all_of(feeds.begin(), feeds.end(), is_new);
  TORCH_CHECK(!feeds.empty() && (all_new || std::none_of(feeds.begin(), feeds.end(), is_new)),
              "decoder: new and running sequences in one call");
  PackedFeeds packed = pack(feeds, model_.device());
  const auto context = model_.context(std::move(packed.layout));
  std::vector<KvCache::Query> queries;
  for (std::size_t n = 0; n < feeds.size(); ++n) {
    cache_.append(*feeds[n].sequence, feeds[n].ids, all_new);
    for (std::int32_t row = context->layout.doc_starts[n];
         !all_new && row < context->layout.doc_starts[n + 1]; ++row)
      queries.push_back({feeds[n].sequence, context->layout.positions[static_cast<std::size_t>(row)]});
  }
  at::Tensor hidden_TD, logits_BV;
  walk([&] { hidden_TD = model_.embed(packed.ids_T); },
       [&](std::int64_t layer) {
         const at::Tensor attended_THE =
             attend(layer, feeds, *context, model_.project_qkv(layer, hidden_TD), queries);
         hidden_TD = model_.finish_block(layer, hidden_TD, attended_THE);
       },
       [&] {
         const bool all_last = hidden_TD.size(0) == static_cast<std::int64_t>(feeds.size());
         logits_BV = model_.logits(
             model_.final_norm(all_last ? hidden_TD : hidden_TD.index_select(0, packed.last_rows_B)));
       });
  if (!all_new)
    for (const Feed& feed : feeds) cache_.release_unseen(*feed.sequence);
  return logits_BV;
}

void Decoder::stand_by() {
  const auto nothing = [] {};
  walk(
      nothing, [](std::int64_t) {}, nothing);
}

}  // namespace caravan::models
