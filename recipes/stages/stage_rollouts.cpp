#include "recipes/stages/stage_rollouts.h"

#include <filesystem>

#include "models/generation/generator.h"
#include "recipes/stages/stage_checkpoints.h"
#include "recipes/stages/stage_data.h"
#include "recipes/stages/stage_reference.h"
#include "trainer/error.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

data::PromptSet open_prompts(const Recipe& recipe, const TextFront& front, trainer::ProcessGroup& group) {
  data::PromptOptions options;
  options.longest = recipe.data.max_length - recipe.rollout.max_new_tokens;
  options.verifier = recipe.reward.verifier;
  options.seed = recipe.run.seed;
  options.variables = front.variables;
  options.cancelled = [&group] {
    group.note_progress();
    return trainer::StopRequest::requested() || group.stop_wanted();
  };
  return data::PromptSet::open(recipe.data, *front.tokenizer, *front.chat_template, options);
}

std::int64_t count_steps(const Recipe& recipe, std::size_t prompts) {
  const std::int64_t steps = trainer::steps_of_rollout(recipe.rollout, *recipe.batch.sequences);
  if (recipe.run.max_steps) return *recipe.run.max_steps;
  const std::int64_t rollouts =
      *recipe.run.epochs * static_cast<std::int64_t>(prompts) / recipe.rollout.prompts;
  if (rollouts > 0) return rollouts * steps;
  throw trainer::Error(trainer::Error::Kind::kData,
                       "rollout.prompts is " + std::to_string(recipe.rollout.prompts) + " and " +
                           std::to_string(*recipe.run.epochs) + " epochs have " + std::to_string(prompts) +
                           " prompts each: not one rollout; lower it, or raise run.epochs");
}

}  // namespace

StageRollouts::StageRollouts(const Recipe& recipe, const TextFront& front, trainer::Log& log,
                             trainer::ProcessGroup& group)
    : recipe_(recipe), front_(front), group_(group) {
  require_clean_data(recipe);
  group.set_section("reading data");
  prompts_.emplace(open_prompts(recipe, front, group));
  group.set_section("");
  num_steps_ = count_steps(recipe, prompts_->size());
  require_same_on_all_ranks(
      std::to_string(prompts_->size()) + " prompts of " + std::to_string(prompts_->num_tokens()) + " tokens",
      group);
  if (group.is_first()) tell_fates(recipe, prompts_->ledger(), "", "ledger.jsonl", log);
}

void StageRollouts::connect(trainer::UnitShards& policy, const trainer::RankPlace& place,
                            const at::Device& device, bool resumes, trainer::RolloutEvents events) {
  group_.set_section("loading the reference", kLongestSilence);
  trainer::OtherModels others;
  if (recipe_.holds_reference()) {
    require_same_tokenizer("reference.path", recipe_.reference_path(), front_);
    frozen_.emplace(recipe_, group_, device);
    frozen_pass_.emplace(frozen_->units(), 0);
    others.reference = trainer::ask_model(frozen_->units(), *frozen_pass_);
  }
  if (recipe_.has_value_model()) {
    value_.emplace(recipe_, group_, place, device, front_);
    others.values = value_->ask();
  }
  group_.set_section("");
  rewards_.emplace(recipe_.reward, *prompts_, recipe_.rollout.max_new_tokens);
  trainer::RolloutSettings settings;
  settings.rollout = recipe_.rollout;
  settings.policy = recipe_.policy.settings();
  settings.sequences = *recipe_.batch.sequences;
  settings.micro_tokens = recipe_.batch.micro_tokens;
  settings.num_steps = num_steps_;
  settings.seed = recipe_.run.seed;
  settings.shuffle = recipe_.data.shuffle;
  settings.folder = std::filesystem::path(recipe_.run.dir) / "rollouts";
  settings.stop_ids =
      models::stop_ids_of(policy.model().config(), models::read_generation_config(recipe_.model.path));
  source_.emplace(std::move(settings), *prompts_, *front_.tokenizer, *rewards_, policy, std::move(others),
                  std::move(events));
  if (value_) value_->connect(*source_, resumes);
}

std::vector<NamedFile> StageRollouts::files() const {
  std::vector<NamedFile> files;
  for (const std::string& file : prompts_->ledger().files()) files.push_back({"data:" + file, file});
  return files;
}

nlohmann::ordered_json StageRollouts::sizes() const {
  const data::LedgerTotals rows = prompts_->ledger().totals();
  return {{"rows", rows.rows},
          {"rows_dropped", rows.dropped},
          {"prompts", prompts_->size()},
          {"prompt_tokens", prompts_->num_tokens()},
          {"steps", num_steps_}};
}

}  // namespace caravan::recipes
