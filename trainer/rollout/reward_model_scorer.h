// A reward model as a ModelScorer: prompt and answer to text by its template, to ids by its tokenizer, to the
// score of the last token, as stage rm trains it.
//
// Promise: a score depends on the model, the prompt and the answer alone, up to the rounding of the model's
// dtype in products of other shapes; answers are packed without padding, `batch_tokens` a pass. The passes of
// a call are dealt to the ranks, and follow from its requests alone: the same requests get the same bits from
// any number of ranks. Non-goals: which device, which weights (the caller's).
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
  // Of a single rank: true ends a call with data::Error (interrupted).
  std::function<bool()> stop = {};
};

class RewardModelScorer : public data::ModelScorer {
 public:
  // The model has a head of scores. All three outlive this.
  RewardModelScorer(UnitShards& units, const data::Tokenizer& tokenizer,
                    const data::ChatTemplate& chat_template, RewardModelOptions options);

  // Collective. Problems: template_refused, not_encodable, too_long (more tokens than the model has
  // positions), not_finite. Not thread safe.
  std::vector<data::ModelScore> score(std::span<const data::ScoreRequest> requests) override;

 private:
  std::string encode(const data::ScoreRequest& request, std::vector<std::int32_t>& ids) const;

  UnitShards& units_;
  SegmentedPass pass_;
  const data::Tokenizer& tokenizer_;
  const data::ChatTemplate& chat_template_;
  RewardModelOptions options_;
};

}  // namespace caravan::trainer
