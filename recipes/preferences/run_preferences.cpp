#include "recipes/preferences/run_preferences.h"

#include <cstdio>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/readers/file_list.h"
#include "data/rewards/verifier_table.h"
#include "recipes/curation/row_pipeline.h"
#include "recipes/curation/said.h"
#include "recipes/preferences/answer_rows.h"
#include "recipes/preferences/pair_rows.h"
#include "recipes/resolved_recipe.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

class Preferences {
 public:
  Preferences(const PreferenceRecipe& recipe, bool quiet, MakeLocalModel make_local,
              MakeRewardModel make_reward_model)
      : recipe_(recipe),
        make_reward_model_(make_reward_model),
        rows_(recipe.run, quiet),
        models_(recipe.models, recipe.run.dir, recipe.run.seed, quiet, make_local) {}

  int run() {
    rows_.claim_folder("prefer", resolved_yaml(recipe_));
    prompts();
    rows_.count_step();
    for (const std::string& model : answering_models(recipe_)) ask(model);
    score_answers();
    pairs();
    write_ledger();
    return 0;
  }

 private:
  // Asks of one kind: `make` gives the object whose work() does it, as long as the step runs.
  template <class Make>
  void step(const std::string& name, std::vector<std::string> inputs, Json shown, Make make) {
    CurationStep step{.name = name,
                      .command = "prefer",
                      .inputs = std::move(inputs),
                      .out = rows_.rows_file(name),
                      .options = shown};
    step.run = [this, shown, make](const DataFlags& flags) {
      auto rows = make();
      run_generation_step(
          flags, shown, [&rows](std::vector<StepRow>& block) { return rows.work(block); },
          [this] {
            return Json{{"spent", models_.spent()}};
          });
    };
    rows_.files().clear();
    rows_.take(std::move(step));
  }

  void prompts() {
    const std::vector<std::string> files = data::list_files(recipe_.prompts.path);
    step(rows_.next_name("prompts"), files,
         {{"prompts", said(recipe_.prompts)},
          {"reward_field", recipe_.verifier.reward_field},
          {"seed", recipe_.run.seed}},
         [this, files] { return PromptRows(recipe_, recipe_.prompts.rows ? count_rows(files) : 0); });
    if (rows_.reports().back().at("totals").at("written") == 0)
      throw data::Error(data::Error::Kind::kData,
                        recipe_.prompts.path + ": holds no row that can be asked; what became of its rows: " +
                            recipe_.run.dir + "/reports");
  }

  void ask(const std::string& model) {
    const std::vector<std::string> inputs = rows_.files();
    const Json shown{{"responses", said(recipe_.responses)},
                     {"model", models_.shown(model)},
                     {"models", answering_models(recipe_)},
                     {"seed", recipe_.run.seed}};
    step(rows_.same_name("ask-" + model), inputs, shown,
         [this, model] { return AskRows(recipe_, model, models_); });
  }

  // Which answers count is decided before they are scored.
  Json usable() const {
    return {{"keep_cut", recipe_.responses.keep_cut},
            {"min_characters", recipe_.pairs.min_characters},
            {"max_characters", recipe_.pairs.max_characters ? Json(*recipe_.pairs.max_characters) : Json()},
            {"output", said(recipe_.pairs)["output"]}};
  }

  void judge() {
    const std::vector<std::string> inputs = rows_.files();
    Json shown{{"judge", said(recipe_.judge)},
               {"model", models_.shown(recipe_.judge.model)},
               {"usable", usable()},
               {"seed", recipe_.run.seed}};
    for (const data::JudgedAspect& aspect : judge_options(recipe_).aspects)
      shown["aspects"].push_back({{"name", aspect.name},
                                  {"template", aspect.prompt.name()},
                                  {"template_sha256", aspect.prompt.sha256()}});
    step(rows_.next_name("judge"), inputs, shown,
         [this] { return JudgeRows(recipe_, judge_options(recipe_), models_); });
  }

  void verify() {
    const std::vector<std::string> inputs = rows_.files();
    step(rows_.next_name("verify"), inputs, {{"verifier", said(recipe_.verifier)}, {"usable", usable()}},
         [this] { return VerifyRows(recipe_); });
  }

  void score_answers() {
    switch (recipe_.pairs.scorer) {
      case Scorer::kJudge:
        return judge();
      case Scorer::kVerifier:
        return verify();
      case Scorer::kRewardModel:
        return score();
    }
  }

  void score() {
    const std::vector<std::string> inputs = rows_.files();
    const RewardModelSection& model = recipe_.reward_model;
    const Json shown{{"checkpoint", model.checkpoint},
                     {"fingerprint", checkpoint_fingerprint(model.checkpoint)},
                     {"dtype", data::choice_name(model.dtype)},
                     {"chat_template", model.chat_template},
                     {"usable", usable()}};
    step(rows_.next_name("score"), inputs, shown, [this] {
      models_.release_local();
      return ScoreRows(recipe_, make_reward_model_);
    });
  }

  void pairs() {
    const std::string name = rows_.next_name("pairs");
    rows_.require_own_output(recipe_.out);
    data::make_folder(std::filesystem::path(recipe_.out).parent_path().string());
    const Json shown{
        {"pairs", said(recipe_.pairs)}, {"judge", recipe_.judge.model}, {"seed", recipe_.run.seed}};
    rows_.take_all({.name = name,
                    .command = "prefer",
                    .out = recipe_.out,
                    .options = shown,
                    .run = [this, shown](const DataFlags& flags) {
                      PairRows rows(recipe_);
                      run_generation_step(
                          flags, shown, [&rows](std::vector<StepRow>& block) { return rows.work(block); },
                          [&rows] { return rows.report(); });
                      if (!rows_.quiet()) std::fputs(shown_text(rows.table()).c_str(), stderr);
                    }});
  }

  void write_ledger() const {
    const Json& last = rows_.reports().back();
    rows_.write_ledger({{"caravan", CARAVAN_VERSION},
                        {"output", last.at("output")},
                        {"models", last.at("models")},
                        {"spent", rows_.spent()},
                        {"steps", rows_.ledger_steps()}});
    rows_.tell_output(recipe_.out);
  }

  const PreferenceRecipe& recipe_;
  MakeRewardModel make_reward_model_;
  RowPipeline rows_;
  ModelPool models_;
};

}  // namespace

void check_preference_files(const ReadPreferenceRecipe& read) {
  const PreferenceRecipe& recipe = read.recipe;
  data::list_files(recipe.prompts.path);
  if (recipe.pairs.scorer == Scorer::kJudge) judge_options(recipe);
  if (!recipe.verifier.reward.empty()) data::make_verifier(recipe.verifier.reward);
  check_models_of(recipe.models);
}

int run_preferences(const ReadPreferenceRecipe& read, bool quiet, MakeLocalModel make_local,
                    MakeRewardModel make_reward_model) {
  check_preference_files(read);
  return Preferences(read.recipe, quiet, make_local, make_reward_model).run();
}

}  // namespace caravan::recipes
