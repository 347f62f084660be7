#include "recipes/stages/stage_rollouts.h"

#include <filesystem>

#include "data/chat/builtin_templates.h"
#include "data/endpoint/endpoint_address.h"
#include "data/preferences/aspects.h"
#include "data/preferences/judge_scorer.h"
#include "models/generation/generator.h"
#include "recipes/stages/rollout_prompts.h"
#include "recipes/stages/stage_checkpoints.h"
#include "recipes/stages/stage_data.h"
#include "recipes/stages/stage_reference.h"
#include "trainer/ask_model.h"
#include "trainer/rollout/reward_model_scorer.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

// Throws data::Error where its url, key or words cannot be read: before anything is computed.
data::JudgeOptions judge_options(const Recipe& recipe) {
  const trainer::JudgeScorerOptions& asked = recipe.judge;
  data::endpoint_key(asked.endpoint, data::parse_endpoint_url(asked.endpoint.url));
  return {.aspects = data::judged_aspects(asked.aspects),
          .draw = {.max_tokens = asked.max_tokens, .temperature = asked.temperature},
          .attempts = asked.rating_attempts,
          .seed = recipe.run.seed};
}

// A name that may be a file, as choose_template reads it.
bool is_template_file(const std::string& choice) {
  return choice != "auto" && data::find_builtin_template(choice) == nullptr && !choice.empty();
}

// Its weights, and what decides how a completion is shown to it.
std::vector<NamedFile> reward_model_files(const trainer::ScoringModelOptions& scoring) {
  std::vector<NamedFile> files = checkpoint_files(scoring.path, "reward_model:", true);
  for (const char* name : {"tokenizer.json", "tokenizer.model", "tokenizer_config.json",
                           "special_tokens_map.json", "chat_template.jinja", "chat_template.json"})
    if (const auto file = std::filesystem::path(scoring.path) / name; std::filesystem::exists(file))
      files.push_back({std::string("reward_model:") + name, file});
  if (is_template_file(scoring.chat_template))
    files.push_back({"reward_model.chat_template:" + scoring.chat_template, scoring.chat_template});
  return files;
}

// What decides the words that the judge is asked with.
std::vector<NamedFile> judge_files(const trainer::JudgeScorerOptions& asked) {
  std::vector<NamedFile> files;
  const auto aspects = asked.aspects.all();
  for (std::size_t i = 0; i < aspects.size(); ++i)
    if (const std::string& file = *aspects[i]; !file.empty() && file != "none")
      files.push_back({"judge." + std::string(data::aspects()[i].name) + ":" + file, file});
  if (is_template_file(asked.endpoint.prompt_template))
    files.push_back(
        {"judge.prompt_template:" + asked.endpoint.prompt_template, asked.endpoint.prompt_template});
  return files;
}

}  // namespace

StageRollouts::StageRollouts(const Recipe& recipe, const TextFront& front, trainer::Log& log,
                             trainer::ProcessGroup& group)
    : recipe_(recipe), front_(front), group_(group) {
  if (recipe.judge.is_there()) judge_ = judge_options(recipe);
  require_clean_data(recipe);
  group.set_section("reading data");
  prompts_.emplace(open_prompts(recipe, front, [&group] {
    group.note_progress();
    return trainer::StopRequest::requested() || group.stop_wanted();
  }));
  group.set_section("");
  num_steps_ = rollout_steps(recipe, prompts_->size());
  require_same_on_all_ranks(
      std::to_string(prompts_->size()) + " prompts of " + std::to_string(prompts_->num_tokens()) + " tokens",
      group);
  if (group.is_first()) tell_fates(recipe, prompts_->ledger(), "", "ledger.jsonl", log);
}

void StageRollouts::connect(trainer::UnitShards& policy, const at::Device& device, bool resumes,
                            trainer::RolloutEvents events) {
  group_.set_section("loading the reference", kLongestSilence);
  trainer::OtherModels others;
  if (recipe_.holds_reference()) {
    require_same_tokenizer("reference.path", recipe_.reference_path(), front_);
    frozen_.emplace(recipe_, group_, device);
    frozen_pass_.emplace(frozen_->units(), 0);
    others.reference = trainer::ask_model(frozen_->units(), *frozen_pass_);
  }
  if (recipe_.has_value_model()) {
    value_.emplace(recipe_, group_, device, front_);
    others.values = value_->ask();
  }
  group_.set_section("");
  rewards_.emplace(recipe_.reward, *prompts_, recipe_.rollout.max_new_tokens, make_scorers(device, events));
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

std::vector<trainer::WeightedScorer> StageRollouts::make_scorers(const at::Device& device,
                                                                 const trainer::RolloutEvents& events) {
  std::vector<trainer::WeightedScorer> weighted;
  if (recipe_.reward_model.is_there()) {
    group_.set_section("loading the reward model", kLongestSilence);
    reward_front_ = load_text_front(recipe_.reward_model.path, "", recipe_.reward_model.chat_template, true);
    reward_model_.emplace(recipe_.reward_model.path, recipe_, group_, device);
    group_.set_section("");
    scorers_.push_back(std::make_unique<trainer::RewardModelScorer>(
        reward_model_->units(), *reward_front_.tokenizer, *reward_front_.chat_template,
        trainer::RewardModelOptions{.variables = reward_front_.variables,
                                    .batch_tokens = recipe_.batch.micro_tokens}));
    weighted.push_back({"reward_model", recipe_.reward_model.weight, scorers_.back().get()});
  }
  if (judge_) {
    if (group_.is_first()) make_endpoint(events);
    scorers_.push_back(std::make_unique<trainer::FirstRankScorer>(
        group_, endpoint_ ? std::make_unique<data::JudgeScorer>(*judge_, *endpoint_) : nullptr));
    weighted.push_back({"judge", recipe_.judge.weight, scorers_.back().get()});
  }
  return weighted;
}

// What was asked before a run was stopped is in its folder.
void StageRollouts::make_endpoint(const trainer::RolloutEvents& events) {
  const std::filesystem::path folder = std::filesystem::path(recipe_.run.dir) / "requests";
  std::filesystem::create_directories(folder);
  const auto stop = [this, wants_stop = events.wants_stop] {
    return trainer::StopRequest::requested() || group_.stop_wanted() || (wants_stop && wants_stop());
  };
  // Called every fraction of a second as long as anything is waited for, also once a stop was asked for.
  const auto tell = [this, tell = events.tell](const data::EndpointCounts& counts) {
    group_.note_progress();
    const std::uint64_t settled = counts.from_log + counts.answered + counts.given_up;
    tell("asking the judge " + std::to_string(settled) + "/" + std::to_string(counts.asked));
  };
  endpoint_.emplace(recipe_.judge.endpoint, (folder / "judge.jsonl").string(),
                    data::EndpointHooks{.stop = stop, .progress = tell, .seed = recipe_.run.seed});
}

void StageRollouts::follow(trainer::UnitShards& policy, const trainer::ModelOptimizer& optimizer) {
  if (frozen_ && recipe_.policy_reference.sync_steps)
    moving_.emplace(frozen_->units(), policy, optimizer, recipe_.policy_reference.alpha());
}

std::vector<NamedFile> StageRollouts::files() const {
  std::vector<NamedFile> files;
  for (const std::string& file : prompts_->ledger().files()) files.push_back({"data:" + file, file});
  if (recipe_.reward_model.is_there())
    for (NamedFile& file : reward_model_files(recipe_.reward_model)) files.push_back(std::move(file));
  if (recipe_.judge.is_there())
    for (NamedFile& file : judge_files(recipe_.judge)) files.push_back(std::move(file));
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
