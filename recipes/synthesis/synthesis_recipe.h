// A recipe of `stage: synthesize`: new prompts and answers, by models.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/filters/filter_options.h"
#include "data/mixing/mix_options.h"
#include "recipes/curation/data_recipe.h"
#include "recipes/curation/recipe_head.h"
#include "recipes/synthesis/model_source.h"

namespace caravan::recipes {

enum class SynthesisStage { kSynthesize };
constexpr std::array<std::string_view, 1> choice_names(SynthesisStage) {
  return {"synthesize"};
}

struct PersonaOptions {
  std::string path = {};
  std::string field = "persona";
  std::string model = {};
  std::string topics = {};
  std::string prompt_template = {};
  std::int64_t per_topic = 1;
  double temperature = 1.0;
  std::int64_t max_tokens = 1024;
  bool operator==(const PersonaOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field(
        "path", path,
        {.help =
             "personas: a line each of a .txt file, or rows of jsonl, csv, parquet; else model writes them",
         .path = true});
    v.field("field", field, {.help = "of such rows, the text of a persona"});
    v.field("model", model, {.help = "the model that writes personas around topics"});
    v.field("topics", topics, {.help = "subjects, a line each; absent: fifty of our own", .path = true});
    v.field("prompt_template", prompt_template,
            {.help = "file with {topic} in place of the built-in personas", .path = true});
    v.field("per_topic", per_topic,
            {.help = "requests for each topic, of about ten personas each", .min = 1, .max = 10000});
    v.field("temperature", temperature, {.help = "of sampling", .min = 0, .max = 10});
    v.field("max_tokens", max_tokens, {.help = "most tokens of a reply", .min = 1, .max = 1 << 20});
  }
};

enum class TaskKind { kPersona, kSelfPlay, kRewrite, kVary, kAnswer };
constexpr std::array<std::string_view, 5> choice_names(TaskKind) {
  return {"persona", "self_play", "rewrite", "vary", "answer"};
}

enum class TaskFamily { kNone, kMath, kGradeSchoolMath, kAlgebra, kCode, kInstructionFollowing };
constexpr std::array<std::string_view, 6> choice_names(TaskFamily) {
  return {"none", "math", "grade_school_math", "algebra", "code", "instruction_following"};
}

enum class PlayDirection { kHarder, kSideways, kEither };
constexpr std::array<std::string_view, 3> choice_names(PlayDirection) {
  return {"harder", "sideways", "either"};
}

struct SynthesisTask {
  std::string name = {};
  TaskKind kind = TaskKind::kPersona;
  TaskFamily family = TaskFamily::kNone;
  std::string path = {};
  std::string from = {};
  std::string model = {};
  std::string answer_model = {};
  std::optional<std::int64_t> rows = {};
  std::int64_t per_row = 1;
  std::int64_t rounds = 1;
  PlayDirection direction = PlayDirection::kEither;
  std::string prompt_template = {}, answer_template = {};
  std::string constraints = {};
  std::int64_t max_constraints = 3;
  double temperature = 0.7, top_p = 1.0, answer_temperature = 0.0;
  std::int64_t max_tokens = 1024, answer_max_tokens = 2048;
  data::MixAmount amount = {};
  bool operator==(const SynthesisTask&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name, {.help = "the source of its rows; letters, digits, _ - .", .required = true});
    v.field(
        "kind", kind,
        {.help = "persona: a prompt that a persona might ask; self_play: answer, then ask a harder or a "
                 "sideways question; rewrite: simple prompts into ones that need reasoning; vary: the same "
                 "with other facts; answer: answers alone"});
    v.field(
        "family", family,
        {.help = "which built-in templates make and answer the prompts; none: answers to the prompt as it "
                 "stands"});
    v.field("path", path, {.help = "rows to begin with, but for kind persona", .path = true});
    v.field("from", from, {.help = "instead of path: the name of a task above, whose rows are begun with"});
    v.field("model", model, {.help = "which of models writes the prompts"});
    v.field("answer_model", answer_model,
            {.help = "which of models answers; absent: the rows keep needs_answer: true"});
    v.field(
        "rows", rows,
        {.help = "persona: prompts asked for, spread over the personas; else rows to begin with, drawn by "
                 "seed; absent: each once",
         .min = 1});
    v.field("per_row", per_row, {.help = "vary: variations of each row", .min = 1, .max = 1000});
    v.field("rounds", rounds, {.help = "self_play: questions that follow each other", .min = 1, .max = 100});
    v.field("direction", direction, {.help = "self_play: the next question; either is drawn for each row"});
    visit_sampling(v);
    amount.visit_fields(v);
  }

 private:
  template <class Visitor>
  void visit_sampling(Visitor& v) {
    v.field("prompt_template", prompt_template,
            {.help = "file in place of the built-in template of prompts", .path = true});
    v.field("answer_template", answer_template,
            {.help = "file with {prompt} in place of the built-in template of answers", .path = true});
    v.field("constraints", constraints,
            {.help = "instruction_following: jsonl of {\"id\", \"text\"} in place of the built-in conditions",
             .path = true});
    v.field("max_constraints", max_constraints,
            {.help = "instruction_following: a prompt has one to so many", .min = 1, .max = 20});
    v.field("temperature", temperature, {.help = "of sampling prompts", .min = 0, .max = 10});
    v.field("top_p", top_p,
            {.help = "of sampling prompts and answers", .min = 0, .max = 1, .min_excluded = true});
    v.field("answer_temperature", answer_temperature, {.help = "of sampling answers", .min = 0, .max = 10});
    v.field("max_tokens", max_tokens,
            {.help = "most tokens of a prompt; one that is cut there is dropped", .min = 1, .max = 1 << 20});
    v.field("answer_max_tokens", answer_max_tokens,
            {.help = "most tokens of an answer; one that is cut there is dropped", .min = 1, .max = 1 << 20});
  }
};

struct ExistingRows {
  std::string path = {};
  bool operator==(const ExistingRows&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("path", path, {.help = "file or glob of rows", .required = true, .path = true});
  }
};

struct SynthesisRecipe : RecipeHead<SynthesisStage> {
  std::vector<ModelSource> models;
  PersonaOptions personas;
  std::vector<SynthesisTask> tasks;
  std::vector<ExistingRows> existing;
  data::FilterOptions filters;
  DeduplicateOptions deduplicate = {.method = DeduplicateMethod::kExact, .key = data::KeyKind::kPrompt};
  data::MixOptions mix;
  DataRunOptions run;
  bool operator==(const SynthesisRecipe&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    visit_head(v, "the file of the new rows: .jsonl, .jsonl.gz or .jsonl.zst");
    v.list("models", models, {.help = "who writes", .required = true});
    v.section("personas", personas, {.help = "who asks: people in whose place prompts are made"});
    v.list("tasks", tasks, {.help = "what is written, in this order", .required = true});
    v.list("existing", existing, {.help = "rows that new ones must not repeat, as deduplicate says"});
    v.section("filters", filters, {.help = "rows that are not worth training on; none is on by default"});
    v.section("deduplicate", deduplicate, {.help = "rows that repeat another one, or one that exists"});
    v.section("mix", mix, {.help = "how many rows of each task there are in the end"});
    v.section("run", run, {.help = "where to, and by which seed"});
  }
};

}  // namespace caravan::recipes
