#include "recipes/reader/check_data_recipe.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "recipes/reader/check_rows_recipes.h"

namespace caravan::recipes {
namespace {

// Names become file names and stand in reports.
bool is_plain_name(const std::string& name) {
  constexpr std::size_t kMostLetters = 100;
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMostLetters && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), plain);
}

void without_effect(const std::string& key, const std::string& unless, ReadState& state) {
  if (!state.is_given(key)) return;
  state.report(state.where(key), key + " has no effect without " + unless + "; add it, or remove this");
}

void check_decontaminate(const DecontaminateSection& options, ReadState& state) {
  if (options.sets.empty()) {
    for (const char* key : {"measure", "scope", "remove_from", "review_from", "apply_review"})
      without_effect(std::string("decontaminate.") + key, "decontaminate.sets", state);
  }
  if (options.review_from > options.remove_from)
    state.report(
        state.where("decontaminate.review_from"),
        "decontaminate.review_from is above remove_from; rows between the two are for a person: lower it");
}

}  // namespace

void check_plain_names(const std::vector<std::string>& names, const std::string& list, ReadState& state) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string full = list + '[' + std::to_string(i) + "].name";
    if (!state.is_given(full)) continue;  // missing: reported
    if (!is_plain_name(names[i])) {
      state.report(state.where(full),
                   full + ": found \"" + names[i] + "\"; allowed: letters, digits, _ - . and no . in front");
    } else if (!seen.insert(names[i]).second) {
      state.report(state.where(full), full + ": " + names[i] + " is the name of another one; name each once");
    }
  }
}

void check_deduplicate(const DeduplicateOptions& options, ReadState& state) {
  const bool near = options.method == DeduplicateMethod::kNear;
  if (!near) {
    for (const char* key : {"threshold", "shingle_words"})
      without_effect(std::string("deduplicate.") + key, "deduplicate.method: near", state);
  }
  if (options.method == DeduplicateMethod::kNone) {
    for (const char* key : {"key", "keep", "score_field"})
      without_effect(std::string("deduplicate.") + key, "deduplicate.method: exact or near", state);
    return;
  }
  if (near && (options.key == data::KeyKind::kRaw || options.key == data::KeyKind::kTextWithRoles))
    state.report(state.where("deduplicate.key"),
                 "deduplicate.key: method near compares words; allowed: text, prompt, first_turn");
  const bool by_score = options.keep == data::KeepPolicy::kScore;
  if (by_score == options.score_field.empty())
    state.report(state.where(by_score ? "deduplicate.keep" : "deduplicate.score_field"),
                 "deduplicate.keep: score and deduplicate.score_field go together; write both or none");
}

void check_data_recipe(const DataRecipe& recipe, ReadState& state) {
  check_plain_names(names_of(recipe.sources), "sources", state);
  check_plain_names(names_of(recipe.decontaminate.sets), "decontaminate.sets", state);
  check_rewrite(recipe, state);
  check_deduplicate(recipe.deduplicate, state);
  check_decontaminate(recipe.decontaminate, state);
}

}  // namespace caravan::recipes
