#include "recipes/read_recipe.h"

#include <algorithm>
#include <array>
#include <utility>

#include "data/error.h"
#include "recipes/nearest_name.h"
#include "recipes/reader/aliases.h"
#include "recipes/reader/check_data_recipe.h"
#include "recipes/reader/check_model_recipes.h"
#include "recipes/reader/check_pipeline_recipe.h"
#include "recipes/reader/check_recipe.h"
#include "recipes/reader/check_rows_recipes.h"
#include "recipes/reader/field_reader.h"
#include "recipes/reader/field_values.h"
#include "recipes/reader/overrides.h"

namespace caravan::recipes {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Of these exactly one is allowed, so naming one on the command line means: this instead of the other.
constexpr std::array kExclusive = {Pair{"batch.tokens", "batch.sequences"},
                                   Pair{"run.epochs", "run.max_steps"}};

std::string file_text(const std::filesystem::path& path) {
  return yaml_file_text(path.string(), "a recipe");
}

bool has_value(YamlNode& root, std::string_view key) {
  const YamlNode* node = find_node(root, key);
  return node != nullptr && node->kind != YamlNode::Kind::kNull;
}

void apply_file_aliases(YamlNode& root, ReadState& state) {
  const std::vector<Assignment> mapped = map_aliases(root.entries, state.notes, state.problems);
  std::erase_if(root.entries, [](const YamlNode::Entry& entry) { return is_alias(entry.key); });
  for (const Assignment& assignment : mapped) {
    if (has_value(root, assignment.key)) {
      const YamlNode* other = find_node(root, assignment.key);
      state.report(assignment.where, assignment.value.label + ": " + assignment.key + " is also given, at " +
                                         other->where.text() + "; keep one");
      continue;
    }
    const std::string problem = assign(root, assignment);
    if (!problem.empty()) state.report(assignment.where, assignment.value.label + ": " + problem);
  }
}

void replace_exclusive(YamlNode& root, std::span<const Assignment> assignments, ReadState& state) {
  const auto names = [&](std::string_view key) {
    for (const Assignment& assignment : assignments) {
      if (assignment.key == key && assignment.value.kind != YamlNode::Kind::kNull) return &assignment;
    }
    return static_cast<const Assignment*>(nullptr);
  };
  for (const auto& [first, second] : kExclusive) {
    for (const auto& [kept, dropped] : {Pair{first, second}, Pair{second, first}}) {
      const Assignment* named = names(kept);
      if (named == nullptr || names(dropped) != nullptr || !has_value(root, dropped)) continue;
      state.notes.push_back(named->where.text() + " replaces " + std::string(dropped) + ": " +
                            find_node(root, dropped)->text);
      remove_key(root, dropped);
    }
  }
}

// Which of two words counts would be a guess.
void refuse_repeated(std::span<const Assignment> assignments, ReadState& state) {
  std::map<std::string_view, const Assignment*> seen;
  for (const Assignment& assignment : assignments) {
    const auto [first, is_new] = seen.emplace(assignment.key, &assignment);
    if (is_new) continue;
    state.report(assignment.where,
                 assignment.key + " is given twice, first at " + first->second->where.text() + "; keep one");
  }
}

// `knows_aliases`: names of other frameworks stand for keys.
void apply_overrides(YamlNode& root, std::span<const std::string> overrides, bool knows_aliases,
                     ReadState& state) {
  const std::vector<YamlNode::Entry> entries = parse_overrides(overrides, state.problems);
  std::vector<Assignment> assignments;
  if (knows_aliases) assignments = map_aliases(entries, state.notes, state.problems);
  for (const YamlNode::Entry& entry : entries) {
    if (!knows_aliases || !is_alias(entry.key)) assignments.push_back({entry.key, entry.where, entry.value});
  }
  refuse_repeated(assignments, state);
  replace_exclusive(root, assignments, state);
  for (const Assignment& assignment : assignments) {
    const std::string problem = assign(root, assignment);
    if (!problem.empty()) state.report(assignment.where, assignment.key + ": " + problem);
  }
}

// Under another schema the same keys may mean something else, so nothing further is said about them.
void check_schema(YamlNode& root) {
  const YamlNode* schema = root.find("schema");
  if (schema == nullptr || schema->kind != YamlNode::Kind::kScalar || schema->text == "1") return;
  throw RecipeError(
      {{schema->where,
        "schema: found " + found_text(*schema) +
            "; this version reads schema 1 only: write schema: 1, or use the caravan that wrote this"}});
}

// The keys of a recipe, whatever its stage. Throws RecipeError where the text has none.
YamlNode read_tree(std::string_view text, const std::string& name, const std::filesystem::path& folder,
                   ReadState& state) {
  state.file = {.origin = name};
  state.file_folder = std::filesystem::absolute(folder);
  YamlNode root = parse_yaml(text, state.file);
  if (root.kind == YamlNode::Kind::kNull) {
    throw RecipeError({{state.file, "is empty; a recipe starts with schema: 1 and stage: sft"}});
  }
  if (root.kind != YamlNode::Kind::kMap) {
    throw RecipeError({{root.where, "found " + found_text(root) +
                                        "; a recipe is keys and values, starting with schema: 1"}});
  }
  return root;
}

// A task is YAML too, and lies beside recipes.
void check_no_task(YamlNode& root) {
  const YamlNode* kind = root.find("kind");
  if (kind == nullptr || root.find("stage") != nullptr || root.find("stages") != nullptr) return;
  if (kind->text == "generation" || kind->text == "multiple_choice" || kind->text == "perplexity")
    throw RecipeError({{kind->where, "kind: found " + kind->text +
                                         ", so this is a task, which a model is asked, and no recipe; write "
                                         "caravan evaluate --model DIR --tasks " +
                                         kind->where.origin}});
}

// A misspelt name of a kind that is not trained: one sentence instead of a complaint about every key.
void check_misspelt_kind(const YamlNode& stage) {
  constexpr std::size_t kTrained = 5;
  constexpr std::array<std::string_view, 10> kAll{"sft",  "rm",         "dpo",    "kto",      "rlvr",
                                                  "data", "synthesize", "prefer", "evaluate", "release"};
  const auto near = nearest_name(stage.text, kAll);
  if (!near || *near == stage.text) return;
  if (std::find(kAll.begin() + kTrained, kAll.end(), *near) == kAll.end()) return;
  throw RecipeError(
      {{stage.where, "stage: found " + found_text(stage) + "; allowed: " + allowed_choices(kAll) +
                         "; did you mean " + std::string(*near) + "?"}});
}

// Kinds of recipes that another command takes: a better answer than "not among sft".
void check_other_kind(YamlNode& root) {
  check_no_task(root);
  YamlNode* stage = root.find("stage");
  if (stage == nullptr || stage->kind != YamlNode::Kind::kScalar) return;
  check_misspelt_kind(*stage);
  if (stage->text == "data") {
    throw RecipeError({{stage->where,
                        "stage: found data, a recipe that makes rows; allowed here: sft, rm, dpo, kto, rlvr. "
                        "caravan data run, "
                        "train and validate take it"}});
  }
  if (stage->text == "synthesize" || stage->text == "prefer") {
    throw RecipeError({{stage->where, "stage: found " + stage->text + ", a recipe that makes rows; caravan " +
                                          stage->text + " and validate take it"}});
  }
  if (stage->text == "evaluate" || stage->text == "release") {
    throw RecipeError(
        {{stage->where, "stage: found " + stage->text + ", a recipe that trains nothing; caravan " +
                            stage->text + " and validate take it"}});
  }
}

// Recipes that no other framework has keys for.
template <class Recipe>
void read_fields(YamlNode root, std::span<const std::string> overrides, Recipe& recipe, ReadState& state) {
  apply_overrides(root, overrides, false, state);
  check_schema(root);
  FieldReader reader(root, {}, state);
  recipe.visit_fields(reader);
  reader.finish();
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.parent_path().empty() ? "." : path.parent_path();
}

}  // namespace

ReadRecipe read_recipe_text(std::string_view text, const std::string& name,
                            const std::filesystem::path& folder, std::span<const std::string> overrides) {
  ReadState state;
  YamlNode root = read_tree(text, name, folder, state);
  apply_file_aliases(root, state);
  apply_overrides(root, overrides, true, state);
  check_schema(root);
  check_other_kind(root);
  ReadRecipe result;
  FieldReader reader(root, {}, state);
  result.recipe.visit_fields(reader);
  reader.finish();
  check_recipe(result.recipe, state);
  if (!state.problems.empty()) throw RecipeError(std::move(state.problems));
  result.notes = std::move(state.notes);
  result.file = std::move(state.file);
  result.given = std::move(state.given);
  return result;
}

namespace {

template <class Kind>
ReadAs<Kind> read_as(std::string_view text, const std::string& name, const std::filesystem::path& folder,
                     std::span<const std::string> overrides, void (*check)(const Kind&, ReadState&)) {
  ReadState state;
  ReadAs<Kind> result;
  read_fields(read_tree(text, name, folder, state), overrides, result.recipe, state);
  check(result.recipe, state);
  if (!state.problems.empty()) throw RecipeError(std::move(state.problems));
  result.file = std::move(state.file);
  result.given = std::move(state.given);
  return result;
}

}  // namespace

ReadDataRecipe read_data_recipe_text(std::string_view text, const std::string& name,
                                     const std::filesystem::path& folder,
                                     std::span<const std::string> overrides) {
  return read_as<DataRecipe>(text, name, folder, overrides, check_data_recipe);
}

ReadDataRecipe read_data_recipe(const std::filesystem::path& path, std::span<const std::string> overrides) {
  return read_data_recipe_text(file_text(path), path.string(), folder_of(path), overrides);
}

ReadSynthesisRecipe read_synthesis_recipe(const std::filesystem::path& path,
                                          std::span<const std::string> overrides) {
  return read_as<SynthesisRecipe>(file_text(path), path.string(), folder_of(path), overrides,
                                  check_synthesis_recipe);
}

ReadPreferenceRecipe read_preference_recipe(const std::filesystem::path& path,
                                            std::span<const std::string> overrides) {
  return read_as<PreferenceRecipe>(file_text(path), path.string(), folder_of(path), overrides,
                                   check_preference_recipe);
}

ReadEvaluationRecipe read_evaluation_recipe(const std::filesystem::path& path,
                                            std::span<const std::string> overrides) {
  return read_as<EvaluationRecipe>(file_text(path), path.string(), folder_of(path), overrides,
                                   check_evaluation_recipe);
}

ReadReleaseRecipe read_release_recipe(const std::filesystem::path& path,
                                      std::span<const std::string> overrides) {
  return read_as<ReleaseRecipe>(file_text(path), path.string(), folder_of(path), overrides,
                                check_release_recipe);
}

ReadPipelineRecipe read_pipeline_recipe(const std::filesystem::path& path,
                                        std::span<const std::string> overrides) {
  return read_as<PipelineRecipe>(file_text(path), path.string(), folder_of(path), overrides,
                                 check_pipeline_recipe);
}

std::string recipe_stage(const std::filesystem::path& path) {
  // What is read from a pipe is gone for whoever reads it next.
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return {};
  try {
    YamlNode root = parse_yaml(file_text(path), {.origin = path.string()});
    if (root.kind != YamlNode::Kind::kMap) return {};
    if (root.find("stages") != nullptr) return "stages";
    const YamlNode* stage = root.find("stage");
    return stage != nullptr && stage->kind == YamlNode::Kind::kScalar ? stage->text : "";
  } catch (const std::runtime_error&) {
    return {};
  }
}

ReadRecipe read_recipe(const std::filesystem::path& path, std::span<const std::string> overrides) {
  return read_recipe_text(file_text(path), path.string(), folder_of(path), overrides);
}

}  // namespace caravan::recipes
