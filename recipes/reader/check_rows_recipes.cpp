#include "recipes/reader/check_rows_recipes.h"

#include <algorithm>
#include <string>
#include <vector>

#include "data/choice_name.h"
#include "recipes/reader/check_data_recipe.h"
#include "recipes/reader/field_values.h"

namespace caravan::recipes {
namespace {

std::string element(const std::string& list, std::size_t i, const std::string& key) {
  return list + '[' + std::to_string(i) + "]." + key;
}

void check_models(const std::vector<ModelSource>& models, ReadState& state) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    const ModelSource& model = models[i];
    const std::string url = element("models", i, "url"), checkpoint = element("models", i, "checkpoint");
    if (model.is_local() == !model.endpoint.url.empty()) {
      state.report(
          state.where(element("models", i, "name")),
          "models[" + std::to_string(i) + "]: exactly one of url and checkpoint says where the model is");
    } else if (!model.is_local() && model.endpoint.model.empty()) {
      state.report(state.where(url), element("models", i, "model") +
                                         " is missing: the name by which the server knows the model");
    }
    const ModelSource plain;
    const data::EndpointOptions& asked = model.endpoint;
    const auto idle = [&](const char* key, bool differs, const char* on) {
      const std::string full = element("models", i, key);
      without_effect(full, differs, std::string("on ") + on, state);
    };
    if (model.is_local()) {
      idle("model", !asked.model.empty(), "a checkpoint");
      idle("api", asked.api != plain.endpoint.api, "a checkpoint");
      idle("key_variable", !asked.key_variable.empty(), "a checkpoint");
      idle("max_requests", asked.max_requests.has_value(), "a checkpoint");
      idle("max_total_tokens", asked.max_total_tokens.has_value(), "a checkpoint");
    } else {
      idle("dtype", model.dtype != plain.dtype, "an endpoint");
      idle("device", model.device != plain.device, "an endpoint");
      idle("batch_size", model.batch_size != plain.batch_size, "an endpoint");
      idle("chat_template", model.chat_template != plain.chat_template, "an endpoint");
    }
  }
}

void need_model(const std::string& key, const std::string& name, bool needed,
                const std::vector<ModelSource>& models, ReadState& state) {
  std::string listed;
  for (const ModelSource& model : models) {
    if (model.name == name && !name.empty()) return;
    listed += (listed.empty() ? "" : ", ") + model.name;
  }
  if (name.empty() && !needed) return;
  state.report(state.where(key), key + (name.empty() ? " is missing" : ": found \"" + name + '"') +
                                     "; allowed: a name of models: " + listed);
}

void check_task(const SynthesisRecipe& recipe, std::size_t i, ReadState& state) {
  const SynthesisTask& task = recipe.tasks[i];
  const auto key = [i](const char* name) { return element("tasks", i, name); };
  const bool persona = task.kind == TaskKind::kPersona;
  need_model(key("model"), task.model, task.kind != TaskKind::kAnswer, recipe.models, state);
  need_model(key("answer_model"), task.answer_model,
             task.kind == TaskKind::kAnswer || task.kind == TaskKind::kSelfPlay, recipe.models, state);
  if (persona && task.family == TaskFamily::kNone && task.prompt_template.empty())
    state.report(state.where(key("kind")),
                 key("family") + ": kind persona needs a family, or a prompt_template of its own");
  if (persona != (task.path.empty() && task.from.empty()) || (!task.path.empty() && !task.from.empty()))
    state.report(state.where(key("kind")), key("path") +
                                               ": kind persona begins with personas and has neither path nor "
                                               "from; every other kind has one of them");
  const auto known = std::find_if(recipe.tasks.begin(), recipe.tasks.begin() + static_cast<std::ptrdiff_t>(i),
                                  [&](const SynthesisTask& other) { return other.name == task.from; });
  if (!task.from.empty() && known == recipe.tasks.begin() + static_cast<std::ptrdiff_t>(i))
    state.report(state.where(key("from")),
                 key("from") + ": found \"" + task.from + "\"; allowed: the name of a task above");
  const SynthesisTask plain;
  const auto idle = [&](const char* name, bool differs, bool has_effect) {
    without_effect(key(name), differs && !has_effect, "on this kind of task", state);
  };
  const bool conditions = persona && task.family == TaskFamily::kInstructionFollowing;
  idle("per_row", task.per_row != plain.per_row, task.kind == TaskKind::kVary);
  idle("rounds", task.rounds != plain.rounds, task.kind == TaskKind::kSelfPlay);
  idle("direction", task.direction != plain.direction, task.kind == TaskKind::kSelfPlay);
  idle("constraints", !task.constraints.empty(), conditions);
  idle("max_constraints", task.max_constraints != plain.max_constraints, conditions);
  idle("model", !task.model.empty(), task.kind != TaskKind::kAnswer);
}

void check_personas(const SynthesisRecipe& recipe, ReadState& state) {
  const PersonaOptions& personas = recipe.personas;
  const bool asked =
      std::ranges::find(recipe.tasks, TaskKind::kPersona, &SynthesisTask::kind) != recipe.tasks.end();
  const bool written = !personas.model.empty();
  if (asked && written == !personas.path.empty())
    state.report(state.where("personas"),
                 "personas: tasks of kind persona need exactly one of personas.path and personas.model");
  if (!asked && (written || !personas.path.empty()))
    state.report(state.where("personas"), "personas has no effect without a task of kind persona; remove it");
  need_model("personas.model", personas.model, false, recipe.models, state);
  const PersonaOptions plain;
  const auto idle = [&](const char* key, bool differs) {
    without_effect(key, differs && !written, "without personas.model", state);
  };
  idle("personas.topics", !personas.topics.empty());
  idle("personas.prompt_template", !personas.prompt_template.empty());
  idle("personas.per_topic", personas.per_topic != plain.per_topic);
  idle("personas.temperature", personas.temperature != plain.temperature);
}

void check_scorers(const PreferenceRecipe& recipe, ReadState& state) {
  const Scorer scorer = recipe.pairs.scorer;
  const std::string chosen = "with pairs.scorer: " + std::string(data::choice_name(scorer));
  const bool judged = scorer == Scorer::kJudge, verified = scorer == Scorer::kVerifier,
             modelled = scorer == Scorer::kRewardModel;
  need_model("judge.model", recipe.judge.model, judged, recipe.models, state);
  const bool named = !recipe.verifier.reward.empty(), by_row = !recipe.verifier.reward_field.empty();
  if (verified && named == by_row)
    state.report(state.where("verifier.reward"),
                 "verifier: pairs.scorer: verifier needs exactly one of reward and reward_field");
  const bool has_model = !recipe.reward_model.checkpoint.empty();
  if (modelled && !has_model)
    state.report(state.where("pairs.scorer"),
                 "reward_model.checkpoint is missing: pairs.scorer: reward_model needs the folder of one");
  const auto idle = [&](const std::string& key, const char* inner, bool given) {
    if (given) state.report(state.where(key + inner), key + " has no effect " + chosen + "; remove it");
  };
  idle("judge.model", "", !judged && !recipe.judge.model.empty());
  idle("verifier", ".reward", !verified && (named || by_row));
  idle("reward_model", ".checkpoint", !modelled && !(recipe.reward_model == RewardModelSection{}));
  if (modelled) return;
  // Ratings and verdicts have ends.
  constexpr double kLargest = 5.0;
  const auto bounded = [&](const char* key, double value) {
    if (value < 0.0 || value > kLargest)
      state.report(state.where(key), std::string(key) + ": found " + field_text(value, {}) + "; allowed " +
                                         chosen + ": at least 0 and at most 5");
  };
  bounded("pairs.margin", recipe.pairs.margin);
  bounded("pairs.min_score", recipe.pairs.min_score.value_or(0.0));
}

}  // namespace

void check_synthesis_recipe(const SynthesisRecipe& recipe, ReadState& state) {
  check_plain_names(names_of(recipe.models), "models", state);
  check_plain_names(names_of(recipe.tasks), "tasks", state);
  check_models(recipe.models, state);
  check_personas(recipe, state);
  for (std::size_t i = 0; i < recipe.tasks.size(); ++i) check_task(recipe, i, state);
  check_deduplicate(recipe.deduplicate, SynthesisRecipe().deduplicate, state);
  if (!recipe.existing.empty() && recipe.deduplicate.method == DeduplicateMethod::kNone)
    state.report(state.where("existing"), "existing has no effect with deduplicate.method: none; remove it");
  const data::KeepPolicy keep = recipe.deduplicate.keep;
  if (!recipe.existing.empty() && keep != data::KeepPolicy::kFirst && keep != data::KeepPolicy::kSource)
    state.report(state.where("deduplicate.keep"),
                 "deduplicate.keep: found \"" + data::choice_name(keep) +
                     "\", by which a new row can take the place of one of existing; allowed with existing: "
                     "first, source");
}

void check_rewrite(const DataRecipe& recipe, ReadState& state) {
  check_plain_names(names_of(recipe.models), "models", state);
  check_models(recipe.models, state);
  for (std::size_t i = 0; i < recipe.models.size(); ++i)
    if (recipe.models[i].is_local())
      state.report(
          state.where(element("models", i, "checkpoint")),
          element("models", i, "checkpoint") + ": a data recipe asks endpoints; use caravan synthesize");
  need_model("rewrite.model", recipe.rewrite.model, !recipe.models.empty(), recipe.models, state);
  need_model("rewrite.answer_model", recipe.rewrite.answer_model, false, recipe.models, state);
  const RewriteSection plain;
  const RewriteSection& asked = recipe.rewrite;
  const auto idle = [&](const char* key, bool differs) {
    without_effect(std::string("rewrite.") + key, differs && asked.model.empty(), "without rewrite.model",
                   state);
  };
  idle("prompt_template", !asked.prompt_template.empty());
  idle("trivial_words", asked.trivial_words != plain.trivial_words);
  idle("trivial_operations", asked.trivial_operations != plain.trivial_operations);
  idle("max_tokens", asked.max_tokens != plain.max_tokens);
}

void check_preference_recipe(const PreferenceRecipe& recipe, ReadState& state) {
  check_plain_names(names_of(recipe.models), "models", state);
  check_models(recipe.models, state);
  need_model("responses.on_policy", recipe.responses.on_policy, false, recipe.models, state);
  check_scorers(recipe, state);
  const PairOptions& pairs = recipe.pairs;
  const bool best = pairs.output == PreferenceOutput::kBest;
  const PairOptions plain;
  const auto idle = [&](const char* key, bool differs, const char* where) {
    without_effect(key, differs, where, state);
  };
  idle("responses.on_policy_share",
       recipe.responses.on_policy.empty() &&
           recipe.responses.on_policy_share != ResponseOptions().on_policy_share,
       "without responses.on_policy");
  idle("pairs.margin", pairs.rule != data::PairRule::kMargin && pairs.margin != plain.margin,
       "without pairs.rule: margin");
  idle("pairs.rule", best && pairs.rule != plain.rule, "without pairs.output: pairs");
  idle("pairs.per_prompt", best && pairs.per_prompt != plain.per_prompt, "without pairs.output: pairs");
  idle("pairs.max_length_ratio", best && pairs.max_length_ratio.has_value(), "without pairs.output: pairs");
  if (!best && recipe.responses.per_prompt < 2)
    state.report(state.where("responses.per_prompt"),
                 "responses.per_prompt: a pair needs at least 2 answers");
  const auto others = std::ranges::count_if(
      recipe.models, [&](const ModelSource& model) { return model.name != recipe.judge.model; });
  if (others == 0)
    state.report(state.where("models"), "models: there is none besides judge.model, so nobody answers");
  if (!recipe.judge.model.empty() && recipe.responses.on_policy == recipe.judge.model)
    state.report(state.where("responses.on_policy"),
                 "responses.on_policy: judge.model rates and does not answer");
}

}  // namespace caravan::recipes
