#include "trainer/rollout/reward_model_scorer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "data/error.h"
#include "data/loader/pack.h"
#include "trainer/ask_model.h"
#include "trainer/objectives/reward.h"

namespace caravan::trainer {
namespace {

data::MicroBatch packed(const std::vector<std::vector<std::int32_t>>& texts,
                        const std::vector<std::uint32_t>& together) {
  data::MicroBatch batch;
  batch.doc_starts.push_back(0);
  for (const std::uint32_t text : together) {
    const std::vector<std::int32_t>& ids = texts[text];
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    for (std::size_t t = 0; t < ids.size(); ++t) batch.positions.push_back(static_cast<std::int32_t>(t));
    batch.doc_starts.push_back(static_cast<std::int32_t>(batch.ids.size()));
  }
  batch.document_indices = together;
  return batch;
}

}  // namespace

RewardModelScorer::RewardModelScorer(UnitShards& units, const data::Tokenizer& tokenizer,
                                     const data::ChatTemplate& chat_template, RewardModelOptions options)
    : units_(units),
      pass_(units_, 0),
      tokenizer_(tokenizer),
      chat_template_(chat_template),
      options_(std::move(options)) {}

std::string RewardModelScorer::encode(const data::ScoreRequest& request,
                                      std::vector<std::int32_t>& ids) const {
  data::Conversation conversation;
  conversation.messages = request.prompt;
  conversation.messages.push_back({"assistant", request.completion, nullptr});
  data::Rendered rendered;
  try {
    rendered = chat_template_.render(conversation, options_.variables,
                                     {.add_generation_prompt = false, .now = options_.today, .limits = {}});
  } catch (const data::Error&) {
    return "template_refused";
  }
  try {
    tokenizer_.encode(rendered.text, rendered.trusted, ids);
  } catch (const data::Error&) {
    return "not_encodable";
  }
  const auto positions = static_cast<std::size_t>(units_.model().config().max_position_embeddings);
  return ids.empty() ? "not_encodable" : ids.size() > positions ? "too_long" : "";
}

std::vector<data::ModelScore> RewardModelScorer::score(std::span<const data::ScoreRequest> requests) {
  std::vector<data::ModelScore> results(requests.size());
  std::vector<std::size_t> asked;
  std::vector<std::vector<std::int32_t>> texts;
  std::vector<std::uint32_t> lengths;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    std::vector<std::int32_t> ids;
    results[i].problem = encode(requests[i], ids);
    if (!results[i].problem.empty()) continue;
    asked.push_back(i);
    lengths.push_back(static_cast<std::uint32_t>(ids.size()));
    texts.push_back(std::move(ids));
  }
  if (texts.empty()) return results;
  // A text that is longer than a pass has one of its own.
  const auto longest = static_cast<std::int64_t>(*std::ranges::max_element(lengths));
  std::vector<data::MicroBatch> passes;
  for (const auto& together : data::pack_best_fit(lengths, std::max(longest, options_.batch_tokens)))
    passes.push_back(packed(texts, together));
  const auto last_scores = [this](const at::Tensor& hidden_TD, const losses::OutputHead& head,
                                  const data::MicroBatch& batch) {
    if (options_.stop && options_.stop())
      throw data::Error(data::Error::Kind::kInterrupted,
                        "reward model: stopped on request; run again: it goes on from here");
    return token_scores(hidden_TD.index_select(0, last_rows(batch, hidden_TD.device())), head)
        .to(at::kDouble);
  };
  const std::vector<std::vector<double>> scores = ask_model(units_, pass_)(passes, last_scores);
  for (std::size_t p = 0; p < passes.size(); ++p)
    for (std::size_t i = 0; i < scores[p].size(); ++i) {
      data::ModelScore& result = results[asked[passes[p].document_indices[i]]];
      if (std::isfinite(scores[p][i]))
        result.score = scores[p][i];
      else
        result.problem = "not_finite";
    }
  return results;
}

}  // namespace caravan::trainer
