#include "recipes/reader/check_recipe.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>

#include "recipes/reader/field_values.h"
#include "trainer/error.h"

namespace caravan::recipes {
namespace {

using data::Unit;
using trainer::ScheduleName;

bool readable(const ReadState& state, std::initializer_list<std::string_view> keys) {
  for (std::string_view key : keys) {
    if (state.has_failed(key)) return false;
  }
  return true;
}

// The place of the first of two keys that was given: a rule between them is reported there.
const Where& place(const ReadState& state, std::string_view key, std::string_view otherwise) {
  return state.where(state.is_given(key) ? key : otherwise);
}

std::string tokens(std::int64_t count) {
  return std::to_string(count) + " tokens";
}

void exactly_one(ReadState& state, std::string_view first, std::string_view second,
                 const std::string& examples) {
  if (!readable(state, {first, second})) return;
  const bool both = state.is_given(first) && state.is_given(second);
  const bool none = !state.is_given(first) && !state.is_given(second);
  const std::string names = std::string(first) + " and " + std::string(second);
  if (both) state.report(state.where(second), names + " are both given; exactly one is allowed: remove one");
  if (none) state.report(state.file, names + " are both missing; exactly one is needed: write " + examples);
}

void check_lengths(Recipe& recipe, ReadState& state) {
  if (!readable(state, {"batch.tokens", "batch.micro_tokens", "data.max_length"})) return;
  const bool pairs = recipe.sides() == 2;
  const std::string row =
      recipe.has_mismatched() ? "an answer and the one to another prompt" : "both sides of a pair";
  const std::int64_t longest = recipe.data.max_length * recipe.sides();
  const std::optional<std::int64_t> step = recipe.batch.tokens;
  const bool own_micro = recipe.batch.micro_tokens != 0;
  if (!own_micro) recipe.batch.micro_tokens = std::min(longest, step.value_or(longest));
  const std::int64_t micro = recipe.batch.micro_tokens;
  if (own_micro && longest > micro) {
    state.report(place(state, "batch.micro_tokens", "data.max_length"),
                 "batch.micro_tokens is " + tokens(micro) + " and data.max_length " +
                     tokens(recipe.data.max_length) +
                     (pairs ? "; " + row + " stand in one pass: raise micro_tokens to " +
                                  std::to_string(longest) + " or lower max_length"
                            : "; a conversation is never cut between passes: raise micro_tokens or lower "
                              "max_length"));
  }
  if (step && longest > *step) {
    const std::int64_t longest_row = pairs ? *step / 2 : *step;
    state.report(
        state.where("batch.tokens"),
        "batch.tokens is " + tokens(*step) + " and data.max_length " + tokens(recipe.data.max_length) +
            (state.is_given("data.max_length") ? "" : " by default") + "; a step must hold the longest " +
            (pairs ? "pair" : "conversation") + ": raise tokens" +
            (longest_row < 2 ? "" : " or write max_length: " + tokens(longest_row)));
  } else if (step && micro > *step) {
    state.report(place(state, "batch.micro_tokens", "batch.tokens"),
                 "batch.micro_tokens is " + tokens(micro) + " and batch.tokens " + tokens(*step) +
                     "; a pass is a part of a step: lower micro_tokens");
  }
}

bool falls_to_a_rate(ScheduleName name) {
  return name == ScheduleName::kLinear || name == ScheduleName::kCosineWithMinLr ||
         name == ScheduleName::kWsd;
}

void check_schedule_keys(const Recipe& recipe, ReadState& state) {
  if (!readable(state, {"schedule.name", "schedule.min_lr_rate", "schedule.decay"})) return;
  const trainer::ScheduleOptions& schedule = recipe.schedule;
  const std::string name = field_text(schedule.name, {});
  const Where& named = place(state, "schedule.name", "schedule");
  if (schedule.min_lr_rate && !falls_to_a_rate(schedule.name)) {
    state.report(state.where("schedule.min_lr_rate"),
                 "schedule.min_lr_rate has no effect on schedule.name " + name +
                     "; remove it, or choose linear, cosine_with_min_lr or wsd");
  }
  if (!schedule.min_lr_rate && schedule.name == ScheduleName::kCosineWithMinLr) {
    state.report(
        named,
        "schedule.min_lr_rate is missing; schedule.name cosine_with_min_lr needs it: write min_lr_rate: 0.1");
  }
  if (schedule.decay && schedule.name != ScheduleName::kWsd) {
    state.report(state.where("schedule.decay"),
                 "schedule.decay has no effect on schedule.name " + name + "; remove it, or choose wsd");
  }
  if (!schedule.decay && schedule.name == ScheduleName::kWsd) {
    state.report(named, "schedule.decay is missing; schedule.name wsd needs it: write decay: 20 %");
  }
}

// How many of the run's steps a quantity is; nothing where that depends on the data.
std::optional<double> share_of_run(const data::Quantity& quantity, const trainer::RunOptions& run) {
  if (quantity.unit == Unit::kPercent) return quantity.amount / 100.0;
  if (!run.max_steps) return std::nullopt;
  return quantity.amount / static_cast<double>(*run.max_steps);
}

// Only wsd begins its warm-up at its floor.
bool starts_above_zero(const trainer::ScheduleOptions& schedule) {
  return schedule.name == ScheduleName::kWsd && schedule.min_lr_rate.value_or(0.0) > 0.0;
}

void check_schedule_lengths(const Recipe& recipe, ReadState& state) {
  if (!readable(state, {"schedule.warmup", "schedule.decay", "run.max_steps"})) return;
  const trainer::ScheduleOptions& schedule = recipe.schedule;
  const std::optional<double> warmup = share_of_run(schedule.warmup, recipe.run);
  const std::string steps = recipe.run.max_steps ? std::to_string(*recipe.run.max_steps) + " steps" : "100 %";
  if (warmup && *warmup > 1.0) {
    state.report(state.where("schedule.warmup"), "schedule.warmup is " + value_text(schedule.warmup) +
                                                     " and the run " + steps +
                                                     "; the rate would never reach its peak: shorten warmup");
    return;
  }
  if (recipe.run.max_steps == 1 && schedule.warmup.amount > 0 && !starts_above_zero(schedule)) {
    state.report(place(state, "schedule.warmup", "run.max_steps"),
                 "schedule.warmup is " + value_text(schedule.warmup) +
                     " and the run 1 step; a warm-up begins at rate 0, so the step would not change the "
                     "model: write warmup: 0 %, or more steps");
    return;
  }
  if (!schedule.decay || schedule.name != ScheduleName::kWsd) return;
  const std::optional<double> decay = share_of_run(*schedule.decay, recipe.run);
  if (decay && warmup.value_or(0.0) + *decay > 1.0 + 1e-9) {
    state.report(state.where("schedule.decay"), "schedule.warmup " + value_text(schedule.warmup) +
                                                    " and schedule.decay " + value_text(*schedule.decay) +
                                                    " are longer than the run of " + steps + "; shorten one");
  }
}

void check_source_seeds(const std::vector<data::SourceOptions>& sources, const std::string& list,
                        ReadState& state) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const std::string key = list + '[' + std::to_string(i) + ']';
    const bool draws = sources[i].take || sources[i].weight != std::floor(sources[i].weight);
    if (!sources[i].seed || draws || !readable(state, {key + ".take", key + ".weight"})) continue;
    state.report(state.where(key + ".seed"),
                 key + ".seed has no effect where every row is taken; remove it, or add take");
  }
}

void check_evaluation(const Recipe& recipe, ReadState& state) {
  if (!readable(state, {"evaluation.sources", "evaluation.tasks"})) return;
  const trainer::EvaluationOptions& evaluation = recipe.evaluation;
  const auto without_effect = [&](std::string_view key, const std::string& needed) {
    if (state.is_given(key))
      state.report(state.where(key),
                   std::string(key) + " has no effect without " + needed + ", or remove it");
  };
  if (evaluation.sources.empty() && evaluation.tasks.empty())
    without_effect("evaluation.every", "evaluation.sources or evaluation.tasks; add sources: [{path: FILE}]");
  if (evaluation.sources.empty())
    without_effect("evaluation.max_rows", "evaluation.sources; add sources: [{path: FILE}]");
  for (std::string_view key : {"evaluation.task_data", "evaluation.max_items"})
    if (evaluation.tasks.empty()) without_effect(key, "evaluation.tasks; add tasks: [NAME]");
  for (std::size_t i = 0; i < evaluation.sources.size(); ++i) {
    if (evaluation.sources[i].weight == 1.0) continue;
    const std::string key = "evaluation.sources[" + std::to_string(i) + "].weight";
    state.report(state.where(key), key + " is " + value_text(evaluation.sources[i].weight) +
                                       "; evaluation sees each row once: remove it");
  }
}

// Formats that are named; those that auto finds are checked where the files are read.
void check_formats(const Recipe& recipe, const std::vector<data::SourceOptions>& sources,
                   const std::string& list, ReadState& state) {
  const auto names = choice_names(data::RowFormat{});
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const data::RowFormat format = sources[i].format;
    if (format == data::RowFormat::kAuto || data::kind_of(format) == recipe.row_kind()) continue;
    std::string allowed;
    for (std::size_t n = 1; n < names.size(); ++n)
      if (data::kind_of(static_cast<data::RowFormat>(n)) == recipe.row_kind())
        allowed += ", " + std::string(names[n]);
    const std::string key = list + '[' + std::to_string(i) + "].format";
    state.report(state.where(key), key + ": found " + field_text(format, {}) + ", whose rows stage " +
                                       data::choice_name(recipe.stage) + " does not train on; allowed: auto" +
                                       allowed);
  }
}

// What the options of a loss say of themselves, at the key that they name.
void report_loss(const trainer::Error& error, ReadState& state) {
  const std::string text = error.what();
  const std::string key = text.substr(0, text.find(':'));
  state.report(place(state, key, state.is_given("loss.name") ? "loss.name" : "stage"), text);
}

void check_compared_answers(const Recipe& recipe, ReadState& state) {
  if (recipe.row_kind() != data::RowKind::kExample && recipe.data.too_long == data::TooLong::kSplit)
    state.report(state.where("data.too_long"),
                 "data.too_long: found split, which would part an answer from what it is compared with; "
                 "allowed: drop, truncate_left, truncate_right, error");
}

void check_preference(const Recipe& recipe, ReadState& state) {
  if (recipe.stage != Stage::kDpo || state.has_failed("loss.name")) return;
  try {
    recipe.preference.check();
  } catch (const trainer::Error& error) {
    report_loss(error, state);
  }
}

void check_reference(const Recipe& recipe, ReadState& state) {
  for (std::string_view key : {"reference.mode", "reference.path", "reference.cache_dir"}) {
    if (!state.is_given(key)) continue;
    if (!recipe.has_reference())
      state.report(state.where(key), std::string(key) + " has no effect: loss " +
                                         field_text(recipe.preference.name, {}) +
                                         " compares with no reference; remove it");
    else if (key == "reference.cache_dir" && recipe.reference.mode == trainer::ReferenceMode::kLive)
      state.report(state.where(key),
                   "reference.cache_dir has no effect with reference.mode live; remove one");
  }
}

// Rows are prompts: what is said about answers in rows has no meaning.
void check_prompt_rows(const Recipe& recipe, ReadState& state) {
  if (state.is_given("batch.tokens"))
    state.report(state.where("batch.tokens"),
                 "batch.tokens has no meaning for stage rlvr, whose completions are not there before; write "
                 "sequences: completions in a step");
  else if (!state.is_given("batch.sequences"))
    state.report(state.file,
                 "batch.sequences is missing; stage rlvr needs it: completions in an optimizer step");
  const data::DataOptions plain;
  const auto without_effect = [&](std::string_view key, bool differs) {
    if (differs)
      state.report(state.where(key),
                   std::string(key) + " has no effect on stage rlvr, whose rows are prompts; remove it");
  };
  without_effect("data.train_on", recipe.data.train_on != plain.train_on);
  without_effect("data.too_long", recipe.data.too_long != plain.too_long);
  without_effect("data.cache_dir", recipe.data.cache_dir != plain.cache_dir);
  if (!recipe.evaluation.sources.empty())
    state.report(state.where("evaluation.sources"),
                 "evaluation.sources: stage rlvr has no loss on rows; name evaluation.tasks");
  for (std::size_t i = 0; i < recipe.data.sources.size(); ++i) {
    const std::string key = "data.sources[" + std::to_string(i) + "]";
    if (recipe.data.sources[i].weight != 1.0)
      state.report(state.where(key + ".weight"),
                   key + ".weight: stage rlvr takes each prompt once an epoch; remove it");
    if (recipe.data.sources[i].format != data::RowFormat::kAuto)
      state.report(state.where(key + ".format"),
                   key + ".format: rows of stage rlvr have messages, ground_truth and dataset; remove it");
  }
}

void check_policy_reference(const Recipe& recipe, ReadState& state) {
  for (std::string_view key : {"reference.path", "reference.sync_steps", "reference.mixup_alpha"})
    if (state.is_given(key) && !recipe.holds_reference())
      state.report(state.where(key),
                   std::string(key) +
                       " has no effect with loss.beta 0, where no reference is held; remove "
                       "it, or set beta");
    else if (key == "reference.mixup_alpha" && state.is_given(key) && !recipe.policy_reference.sync_steps)
      state.report(state.where(key),
                   "reference.mixup_alpha has no effect without reference.sync_steps; write both, or remove "
                   "it");
}

// Who says what a completion is worth, and that each is somebody.
void check_scorers(const Recipe& recipe, ReadState& state) {
  const bool modelled = recipe.reward_model.is_there(), judged = recipe.judge.is_there();
  if (!recipe.reward.has_verifiers() && !modelled && !judged && recipe.reward.further.empty())
    state.report(state.where("reward.verifier"),
                 "reward.verifier is none and nobody else scores completions: write reward_model.path, "
                 "judge.url or reward.further");
  if (!modelled && !(recipe.reward_model == trainer::ScoringModelOptions{}))
    state.report(state.where("reward_model"), "reward_model.path is missing: the folder of a reward model");
  if (!judged && !(recipe.judge == trainer::JudgeScorerOptions{}))
    state.report(state.where("judge"),
                 "judge.url is missing: where the API of the judge's server begins, as in "
                 "http://127.0.0.1:8000/v1");
  if (judged && recipe.judge.endpoint.model.empty())
    state.report(state.where("judge.url"),
                 "judge.model is missing: the name by which the server knows the model");
}

void check_rollout(const Recipe& recipe, ReadState& state) {
  if (recipe.stage != Stage::kRlvr) return;
  check_prompt_rows(recipe, state);
  if (!readable(state, {"loss.name", "loss.advantage", "rollout.prompts", "rollout.completions",
                        "rollout.max_new_tokens", "batch.sequences", "run.max_steps", "data.max_length"}))
    return;
  try {
    recipe.policy.check();
  } catch (const trainer::Error& error) {
    report_loss(error, state);
  }
  const trainer::RolloutOptions& rollout = recipe.rollout;
  const trainer::AdvantageEstimator advantage = recipe.policy.settings().advantage;
  const bool compares = advantage == trainer::AdvantageEstimator::kGroup ||
                        advantage == trainer::AdvantageEstimator::kLeaveOneOut;
  if (compares && rollout.completions < 2)
    state.report(place(state, "rollout.completions", "stage"),
                 "rollout.completions is 1; this advantage compares the completions of a prompt: write at "
                 "least 2");
  for (std::string_view key : {"value.path", "value.learning_rate"})
    if (state.is_given(key) && advantage != trainer::AdvantageEstimator::kGae)
      state.report(state.where(key), std::string(key) + " has no effect: loss " +
                                         field_text(recipe.policy.name, {}) +
                                         " has no value model; remove it, or choose ppo");
  check_policy_reference(recipe, state);
  check_scorers(recipe, state);
  if (rollout.max_new_tokens >= recipe.data.max_length)
    state.report(place(state, "rollout.max_new_tokens", "data.max_length"),
                 "rollout.max_new_tokens is " + std::to_string(rollout.max_new_tokens) +
                     " and data.max_length, of prompt and completion together, " +
                     tokens(recipe.data.max_length) + "; no prompt would fit: raise max_length");
  if (recipe.reward.overlong_cache > rollout.max_new_tokens)
    state.report(place(state, "reward.overlong_cache", "stage"),
                 "reward.overlong_cache is " + tokens(recipe.reward.overlong_cache) +
                     ", more than rollout.max_new_tokens; lower it");
  if (!state.is_given("batch.sequences")) return;
  const std::int64_t completions = rollout.prompts * rollout.completions, sequences = *recipe.batch.sequences;
  if (completions % sequences != 0) {
    state.report(
        state.where("batch.sequences"),
        "batch.sequences is " + std::to_string(sequences) +
            " and a rollout has rollout.prompts * rollout.completions = " + std::to_string(completions) +
            " completions; it must be divided into steps of equal size");
  } else if (const std::int64_t steps = rollout.passes * (completions / sequences);
             recipe.run.max_steps && *recipe.run.max_steps % steps != 0) {
    state.report(state.where("run.max_steps"), "run.max_steps is " + std::to_string(*recipe.run.max_steps) +
                                                   " and each rollout feeds " + std::to_string(steps) +
                                                   " steps; write a multiple of them");
  }
}

}  // namespace

void check_recipe(Recipe& recipe, ReadState& state) {
  if (recipe.stage != Stage::kRlvr)
    exactly_one(state, "batch.tokens", "batch.sequences",
                "batch: {tokens: 131072} or batch: {sequences: 128}");
  exactly_one(state, "run.epochs", "run.max_steps", "run: {epochs: 2} or run: {max_steps: 100}");
  check_lengths(recipe, state);
  check_schedule_keys(recipe, state);
  check_schedule_lengths(recipe, state);
  check_source_seeds(recipe.data.sources, "data.sources", state);
  check_source_seeds(recipe.evaluation.sources, "evaluation.sources", state);
  check_evaluation(recipe, state);
  check_formats(recipe, recipe.data.sources, "data.sources", state);
  check_formats(recipe, recipe.evaluation.sources, "evaluation.sources", state);
  check_compared_answers(recipe, state);
  check_preference(recipe, state);
  check_rollout(recipe, state);
  check_reference(recipe, state);
}

}  // namespace caravan::recipes
