#include "trainer/rollout/reward_model_scorer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "data/error.h"
#include "data/loader/pack.h"
#include "models/device.h"
#include "trainer/batch_tensors.h"
#include "trainer/objectives/reward.h"

namespace caravan::trainer {

RewardModelScorer::RewardModelScorer(models::Llama& model, const data::Tokenizer& tokenizer,
                                     const data::ChatTemplate& chat_template, RewardModelOptions options)
    : units_(model),
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

std::vector<double> RewardModelScorer::score_texts(std::span<const std::vector<std::int32_t>> texts) {
  data::MicroBatch batch;
  batch.doc_starts.push_back(0);
  for (const std::vector<std::int32_t>& ids : texts) {
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    for (std::size_t t = 0; t < ids.size(); ++t) batch.positions.push_back(static_cast<std::int32_t>(t));
    batch.doc_starts.push_back(static_cast<std::int32_t>(batch.ids.size()));
  }
  models::Llama& model = units_.model();
  const at::Tensor hidden_TD = pass_.evaluate(model_input(batch, model.device()));
  const at::Tensor last_ND = hidden_TD.index_select(0, last_rows(batch, model.device()));
  const at::Tensor scores_N =
      token_scores(last_ND, output_head(model)).to(at::kDouble).to(at::kCPU).contiguous();
  return {scores_N.const_data_ptr<double>(), scores_N.const_data_ptr<double>() + scores_N.numel()};
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
  for (const auto& pass : data::pack_best_fit(lengths, std::max(longest, options_.batch_tokens))) {
    if (options_.stop && options_.stop())
      throw data::Error(data::Error::Kind::kInterrupted,
                        "reward model: stopped on request; run again: it goes on from here");
    std::vector<std::vector<std::int32_t>> together;
    for (const std::uint32_t text : pass) together.push_back(texts[text]);
    const std::vector<double> scores = score_texts(together);
    for (std::size_t i = 0; i < pass.size(); ++i) {
      data::ModelScore& result = results[asked[pass[i]]];
      if (std::isfinite(scores[i]))
        result.score = scores[i];
      else
        result.problem = "not_finite";
    }
  }
  return results;
}

}  // namespace caravan::trainer
