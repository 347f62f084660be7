// A recipe of `stage: prefer`: answers of several models, scored, and made into pairs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/preferences/aspect_files.h"
#include "data/preferences/pair_rules.h"
#include "data/quantity.h"
#include "data/rewards/verifier.h"
#include "recipes/curation/data_recipe.h"
#include "recipes/curation/recipe_head.h"
#include "recipes/synthesis/model_source.h"

namespace caravan::recipes {

enum class PreferenceStage { kPrefer };
constexpr std::array<std::string_view, 1> choice_names(PreferenceStage) {
  return {"prefer"};
}

// Where what is right about a prompt stands.
enum class TruthFrom { kField, kAnswer };
constexpr std::array<std::string_view, 2> choice_names(TruthFrom) {
  return {"field", "answer"};
}

struct PromptOptions {
  std::string path = {};
  std::optional<std::int64_t> rows = {};
  TruthFrom truth = TruthFrom::kField;
  std::string truth_field = "ground_truth";
  bool operator==(const PromptOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("path", path,
            {.help = "file or glob of rows of any layout; their last answer is left out",
             .required = true,
             .path = true});
    v.field("rows", rows, {.help = "prompts used, drawn by seed; absent: all", .min = 1});
    v.field(
        "truth", truth,
        {.help = "what verifiers are given: field: truth_field of the row; answer: its last answer, the one "
                 "that is left out"});
    v.field("truth_field", truth_field, {.help = "the field of a row that verifiers are given"});
  }
};

struct ResponseOptions {
  std::int64_t per_prompt = 4;
  std::string on_policy = {};
  data::Quantity on_policy_share = {100.0, data::Unit::kPercent};
  double temperature = 1.0, top_p = 1.0;
  std::int64_t max_tokens = 2048;
  bool keep_cut = false;
  bool operator==(const ResponseOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("per_prompt", per_prompt,
            {.help = "answers to each prompt; no model answers twice before all did", .min = 1, .max = 1000});
    v.field("on_policy", on_policy,
            {.help = "the model that is to be trained: it gives one of the answers to its prompts"});
    v.field("on_policy_share", on_policy_share,
            {.help = "share of the prompts that on_policy answers; the others answer the rest",
             .units = "%",
             .min = 0,
             .max = 100});
    v.field("temperature", temperature, {.help = "of sampling", .min = 0, .max = 10});
    v.field("top_p", top_p, {.help = "of sampling", .min = 0, .max = 1, .min_excluded = true});
    v.field("max_tokens", max_tokens, {.help = "most tokens of an answer", .min = 1, .max = 1 << 20});
    v.field("keep_cut", keep_cut, {.help = "answers that max_tokens cut off count too"});
  }
};

enum class Scorer { kJudge, kVerifier, kRewardModel };
constexpr std::array<std::string_view, 3> choice_names(Scorer) {
  return {"judge", "verifier", "reward_model"};
}

struct JudgeSection {
  std::string model = {};
  data::AspectFiles aspects = {};
  double temperature = 0.1;
  std::int64_t max_tokens = 1024;
  std::int64_t attempts = 3;
  bool operator==(const JudgeSection&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("model", model, {.help = "which of models rates; it does not answer itself"});
    aspects.visit_fields(v);
    v.field("temperature", temperature, {.help = "of sampling", .min = 0, .max = 10});
    v.field("max_tokens", max_tokens, {.help = "most tokens of a rating", .min = 1, .max = 1 << 20});
    v.field("attempts", attempts,
            {.help = "times an aspect is asked for whose ratings cannot be read; then the row is dropped",
             .min = 1,
             .max = 20});
  }
};

enum class VerifierRules { kSound, kOpenInstruct, kOpenInstructTulu3 };
constexpr std::array<std::string_view, 3> choice_names(VerifierRules) {
  return {"sound", "open_instruct", "open_instruct_tulu3"};
}

struct VerifierSection {
  std::string reward = {};
  std::string reward_field = {};
  VerifierRules rules = VerifierRules::kSound;
  bool operator==(const VerifierSection&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("reward", reward, {.help = "a verifier, as caravan verify --reward"});
    v.field("reward_field", reward_field, {.help = "instead: the field of a row that names its verifier"});
    v.field("rules", rules, {.help = "as caravan verify --rules"});
  }
};

struct RewardModelSection {
  std::string checkpoint = {};
  std::string chat_template = "auto";
  LocalDtype dtype = LocalDtype::kStored;
  trainer::DeviceChoice device = trainer::DeviceChoice::kAuto;
  std::int64_t batch_tokens = 8192;
  bool operator==(const RewardModelSection&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("checkpoint", checkpoint,
            {.help = "folder of a reward model: the result of stage rm, or a Hugging Face checkpoint of a "
                     "sequence classifier of one label",
             .path = true});
    v.field("chat_template", chat_template,
            {.help = "auto (its own), a built-in name, or a file of Jinja text", .path_or_name = true});
    v.field("dtype", dtype, {.help = "stored as it is, or converted"});
    v.field("device", device, {.help = "where it computes"});
    v.field("batch_tokens", batch_tokens,
            {.help = "tokens of answers that are read together; no score depends on it beyond rounding",
             .min = 1,
             .max = 1 << 24,
             .free_at_resume = true});
  }
};

enum class PreferenceOutput { kPairs, kBest };
constexpr std::array<std::string_view, 2> choice_names(PreferenceOutput) {
  return {"pairs", "best"};
}

struct PairOptions {
  Scorer scorer = Scorer::kJudge;
  PreferenceOutput output = PreferenceOutput::kPairs;
  data::PairRule rule = data::PairRule::kBestRandomLower;
  double margin = 0.5;
  std::int64_t per_prompt = 1;
  std::optional<double> min_score = {};
  std::int64_t min_characters = 1;
  std::optional<std::int64_t> max_characters = {};
  std::optional<double> max_length_ratio = {};
  bool operator==(const PairOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field(
        "scorer", scorer,
        {.help = "judge: the mean of the aspects, 1 to 5; verifier: its score, 0 to 1, answers of unknown "
                 "verdict left out; reward_model: its score, any number"});
    v.field("output", output,
            {.help = "pairs: rows for preference training; best: the best answer as a row for supervised "
                     "training (best of n, rejection sampling)"});
    v.field(
        "rule", rule,
        {.help = "best_random_lower: the best against a drawn one of lower score; best_worst; margin: any "
                 "two that far apart; best_random_other: the reference's rule, where the other may be as "
                 "good"});
    v.field("margin", margin, {.help = "margin: least difference of the scores", .min = 0, .max = 1000});
    v.field("per_prompt", per_prompt, {.help = "most pairs of a prompt", .min = 1, .max = 1000});
    v.field("min_score", min_score,
            {.help = "least score of a chosen answer, and of a best one", .min = -1000, .max = 1000});
    v.field("min_characters", min_characters, {.help = "of an answer; shorter ones are left out", .min = 1});
    v.field("max_characters", max_characters, {.help = "of an answer; longer ones are left out", .min = 1});
    v.field("max_length_ratio", max_length_ratio,
            {.help = "most times one answer of a pair is longer than the other", .min = 1, .max = 1e6});
  }
};

struct PreferenceRecipe : RecipeHead<PreferenceStage> {
  PromptOptions prompts;
  std::vector<ModelSource> models;
  ResponseOptions responses;
  JudgeSection judge;
  VerifierSection verifier;
  RewardModelSection reward_model;
  PairOptions pairs;
  DataRunOptions run;
  bool operator==(const PreferenceRecipe&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    visit_head(v, "the file of the pairs: .jsonl, .jsonl.gz or .jsonl.zst");
    v.section("prompts", prompts, {.help = "what is answered"});
    v.list("models", models,
           {.help = "who answers and who judges; all but judge.model answer", .required = true});
    v.section("responses", responses, {.help = "how many answers, of whom, and how they are sampled"});
    v.section("judge", judge, {.help = "a model that rates answers by four aspects"});
    v.section("verifier", verifier, {.help = "a rule that knows right answers from wrong ones"});
    v.section("reward_model", reward_model, {.help = "a model that scores answers"});
    v.section("pairs", pairs, {.help = "which answers become rows"});
    v.section("run", run, {.help = "where to, and by which seed"});
  }
};

}  // namespace caravan::recipes
