#include "trainer/evaluation/sequence_scorer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "losses/linear_cross_entropy.h"
#include "models/device.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

std::span<const std::int32_t> read_ids(const data::ScoredIds& request) {
  return std::span(request.ids).first(request.ids.size() - 1);
}

std::size_t num_targets(const data::ScoredIds& request) {
  return request.ids.size() - request.first;
}

bool begins_with(std::span<const std::int32_t> ids, std::span<const std::int32_t> start) {
  return start.size() <= ids.size() && std::equal(start.begin(), start.end(), ids.begin());
}

}  // namespace

SequenceScorer::SequenceScorer(UnitShards& units, std::int64_t batch_tokens)
    : units_(units), pass_(units, 0), batch_tokens_(batch_tokens) {
  models::Llama& model = units.model();
  head_ = {model.config().vocab_size,
           [&model](const at::Tensor& hidden_ND) { return model.logits(hidden_ND); },
           {}};
}

// In alphabetical order a sequence stands right before those it is the beginning of.
std::vector<SequenceScorer::Document> SequenceScorer::share(std::span<const data::ScoredIds> requests) const {
  std::vector<std::size_t> order(requests.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return std::ranges::lexicographical_compare(read_ids(requests[a]), read_ids(requests[b]));
  });
  std::vector<Document> documents;
  for (const std::size_t i : order) {
    const std::span<const std::int32_t> ids = read_ids(requests[i]);
    const std::size_t first_scored = requests[i].first - 1;
    if (!documents.empty() && begins_with(ids, documents.back().ids))
      documents.back().ids = ids;
    else
      documents.push_back({.ids = ids, .requests = {}, .first_scored = first_scored});
    documents.back().requests.push_back(i);
    documents.back().first_scored = std::min(documents.back().first_scored, first_scored);
  }
  return documents;
}

// Tokens of `later` that can be read as those of `lender`.
std::size_t SequenceScorer::alike(const Document& lender, const Document& later) {
  const auto same = std::ranges::mismatch(lender.ids, later.ids).in1 - lender.ids.begin();
  return std::min(static_cast<std::size_t>(same), later.first_scored);
}

// Whether documents[i], which could share `prefix` tokens, saves more by reading them again: those behind it
// then share with it what is beyond.
bool SequenceScorer::lends_more(const std::vector<Document>& documents, std::size_t i, std::size_t prefix) {
  std::size_t saved = 0;
  for (std::size_t later = i + 1; later < documents.size() && saved <= prefix; ++later) {
    const std::size_t shared = alike(documents[i], documents[later]);
    if (shared <= prefix) break;
    saved += shared - prefix;
  }
  return saved > prefix;
}

// Neighbours of batch_tokens own tokens; where a batch begins, so does what its documents share.
std::vector<SequenceScorer::Batch> SequenceScorer::batches_of(std::vector<Document>& documents) {
  const bool can_share = models::can_share_prefixes(units_.model().device());
  std::vector<Batch> batches;
  for (std::size_t first = 0, i = 0; i < documents.size(); first = i) {
    std::int64_t tokens = 0;
    const Document* lender = nullptr;
    for (; i < documents.size(); ++i) {
      Document& document = documents[i];
      const std::size_t prefix = lender && can_share ? alike(*lender, document) : 0;
      document.prefix = lends_more(documents, i, prefix) ? 0 : prefix;
      if (i > first && tokens + document.own_tokens() > batch_tokens_) break;
      tokens += document.own_tokens();
      if (document.prefix == 0) lender = &document;
    }
    batches.push_back(Batch(documents).subspan(first, i - first));
    tokens_read_ += tokens;
  }
  return batches;
}

std::vector<float> SequenceScorer::run(Batch batch, std::span<const data::ScoredIds> requests) {
  ModelInput input;
  std::vector<std::int64_t> ids, rows, targets;
  input.layout.doc_starts.push_back(0);
  std::int32_t lender = 0;
  for (const Document& document : batch) {
    const std::size_t start = ids.size();
    if (document.prefix == 0) lender = static_cast<std::int32_t>(start);
    input.layout.prefix_starts.push_back(document.prefix == 0 ? 0 : lender);
    input.layout.prefix_lengths.push_back(static_cast<std::int32_t>(document.prefix));
    for (std::size_t i = document.prefix; i < document.ids.size(); ++i) {
      input.layout.positions.push_back(static_cast<std::int32_t>(i));
      ids.push_back(document.ids[i]);
    }
    input.layout.doc_starts.push_back(static_cast<std::int32_t>(ids.size()));
    for (const std::size_t request : document.requests)
      for (std::size_t i = requests[request].first; i < requests[request].ids.size(); ++i) {
        rows.push_back(static_cast<std::int64_t>(start + i - 1 - document.prefix));
        targets.push_back(requests[request].ids[i]);
      }
  }
  const at::Device& device = units_.model().device();
  input.ids_T = models::device_copy<std::int64_t>(ids, device);
  const at::Tensor hidden_TD = pass_.evaluate(input);
  const at::Tensor hidden_ND = hidden_TD.index_select(0, models::device_copy<std::int64_t>(rows, device));
  losses::CrossEntropyOptions options;
  options.gradient = false;
  const at::Tensor weights_N = at::ones({hidden_ND.size(0)}, hidden_ND.options().dtype(at::kFloat));
  const at::Tensor found_N =
      losses::linear_cross_entropy(hidden_ND, head_, models::device_copy<std::int64_t>(targets, device),
                                   weights_N, options)
          .log_probs_T.cpu()
          .contiguous();
  const float* first = found_N.const_data_ptr<float>();
  return {first, first + found_N.numel()};
}

std::vector<std::vector<float>> SequenceScorer::score(std::span<const data::ScoredIds> requests,
                                                      const std::function<bool()>& give_up) {
  std::vector<Document> documents = share(requests);
  const std::vector<Batch> batches = batches_of(documents);
  ProcessGroup& group = units_.group();
  const auto ranks = static_cast<std::size_t>(group.size()), rank = static_cast<std::size_t>(group.rank());
  // Where the numbers of each batch stand among those of all: what ranks add up.
  std::vector<double> all;
  std::vector<std::size_t> starts;
  for (const Batch& batch : batches) {
    starts.push_back(all.size());
    for (const Document& document : batch)
      for (const std::size_t request : document.requests)
        all.resize(all.size() + num_targets(requests[request]), 0.0);
  }
  for (std::size_t round = 0; round < batches.size(); round += ranks) {
    if (give_up && give_up()) return {};
    if (round + rank < batches.size()) {
      const std::vector<float> found = run(batches[round + rank], requests);
      std::ranges::copy(found, all.begin() + static_cast<std::ptrdiff_t>(starts[round + rank]));
    } else {
      pass_.stand_by_evaluation();
    }
    group.note_progress();
  }
  if (ranks > 1) group.all_reduce(all, Reduce::kSum, "log-probabilities of tasks");
  std::vector<std::vector<float>> result(requests.size());
  auto next = all.begin();
  for (const Document& document : documents)
    for (const std::size_t request : document.requests)
      for (std::size_t i = 0; i < num_targets(requests[request]); ++i)
        result[request].push_back(static_cast<float>(*next++));
  for (const double value : all)
    if (!std::isfinite(value))
      throw Error(Error::Kind::kInternalCheck,
                  "the model's log-probabilities are not finite; check the checkpoint, or use --dtype fp32");
  return result;
}

}  // namespace caravan::trainer
