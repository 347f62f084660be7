// A reward model as a ModelScorer: prompt and answer to text by its template, to ids by its tokenizer, to the
// score of the last token, as stage rm trains it.
//
// Promise: a score depends on the model, the prompt and the answer alone, up to the rounding of the model's
// dtype in products of other shapes; answers are packed without padding, `batch_tokens` a pass. Non-goals:
// which device, which weights (the caller's).
#pragma once

#include <functional>
#include <vector>

#include "data/chat/template.h"
#include "data/rewards/model_scorer.h"
#include "data/tokenizers/tokenizer.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

struct RewardModelOptions {
  data::Json variables = nullptr;  // special tokens by name, for the template
  data::Date today = {};           // for templates that print it
  std::int64_t batch_tokens = 8192;
  std::function<bool()> stop = {};  // true ends a call with data::Error (interrupted)
};

class RewardModelScorer : public data::ModelScorer {
 public:
  // `model` has a head of scores. All three outlive this.
  RewardModelScorer(models::Llama& model, const data::Tokenizer& tokenizer,
                    const data::ChatTemplate& chat_template, RewardModelOptions options);

  // Problems: template_refused, not_encodable, too_long (more tokens than the model has positions),
  // not_finite. Not thread safe.
  std::vector<data::ModelScore> score(std::span<const data::ScoreRequest> requests) override;

 private:
  std::string encode(const data::ScoreRequest& request, std::vector<std::int32_t>& ids) const;
  std::vector<double> score_texts(std::span<const std::vector<std::int32_t>> texts);

  UnitShards units_;
  SegmentedPass pass_;
  const data::Tokenizer& tokenizer_;
  const data::ChatTemplate& chat_template_;
  RewardModelOptions options_;
};

}  // namespace caravan::trainer
