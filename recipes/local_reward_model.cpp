#include "recipes/local_reward_model.h"

#include "recipes/device.h"
#include "recipes/model_front.h"
#include "recipes/text_front.h"
#include "trainer/rollout/reward_model_scorer.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

class LocalRewardModel : public data::ModelScorer {
 public:
  explicit LocalRewardModel(const RewardModelSection& section)
      : front_(load_text_front(section.checkpoint, "", section.chat_template, true)),
        model_(load_reward_model(section.checkpoint, dtype_name(section.dtype),
                                 choose_device(section.device, ask_cuda(), "reward_model.device"))),
        units_(*model_),
        scorer_(units_, *front_.tokenizer, *front_.chat_template,
                {front_.variables, today(), section.batch_tokens, trainer::StopRequest::requested}) {}

  std::vector<data::ModelScore> score(std::span<const data::ScoreRequest> requests) override {
    return scorer_.score(requests);
  }

 private:
  TextFront front_;
  std::unique_ptr<models::Llama> model_;
  trainer::UnitShards units_;
  trainer::RewardModelScorer scorer_;
};

}  // namespace

std::unique_ptr<data::ModelScorer> make_reward_model(const RewardModelSection& section) {
  return std::make_unique<LocalRewardModel>(section);
}

}  // namespace caravan::recipes
