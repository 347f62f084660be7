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
  constexpr std::size_t kMaxLetters = 100;
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxLetters && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), plain);
}

void check_embedder(const DecontaminateSection& options, ReadState& state) {
  const EmbedderSource& asked = options.embedder;
  const bool wanted = options.measure == data::MeasureName::kEmbedding;
  if (wanted && asked.embedder.empty())
    state.report(state.where("decontaminate.measure"),
                 "decontaminate.embedder is missing: measure embedding needs the folder of a checkpoint");
  const auto idle = [&](const char* key, bool differs) {
    without_effect(std::string("decontaminate.") + key, differs && !wanted,
                   "without decontaminate.measure: embedding", state);
  };
  idle("embedder", !asked.embedder.empty());
  idle("embedder_dtype", asked.embedder_dtype != EmbedderSource().embedder_dtype);
  idle("embedder_device", asked.embedder_device != EmbedderSource().embedder_device);
}

void check_decontaminate(const DecontaminateSection& options, ReadState& state) {
  const DecontaminateSection plain;
  const auto idle = [&](const char* key, bool differs) {
    without_effect(std::string("decontaminate.") + key, differs && options.sets.empty(),
                   "without decontaminate.sets", state);
  };
  idle("measure", options.measure != plain.measure);
  idle("scope", options.scope != plain.scope);
  idle("remove_from", options.remove_from != plain.remove_from);
  idle("review_from", options.review_from != plain.review_from);
  idle("apply_review", !options.apply_review.empty());
  check_embedder(options, state);
  if (options.review_from > options.remove_from)
    state.report(
        state.where("decontaminate.review_from"),
        "decontaminate.review_from is above remove_from; rows between the two are for a person: lower it");
}

}  // namespace

void without_effect(const std::string& key, bool differs, const std::string& where, ReadState& state) {
  if (differs && state.is_given(key))
    state.report(state.where(key), key + " has no effect " + where + "; remove it");
}

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

void check_deduplicate(const DeduplicateOptions& options, const DeduplicateOptions& plain, ReadState& state) {
  const bool near = options.method == DeduplicateMethod::kNear;
  const bool none = options.method == DeduplicateMethod::kNone;
  const auto idle = [&](const char* key, bool differs, const char* where) {
    without_effect(std::string("deduplicate.") + key, differs, where, state);
  };
  idle("threshold", !near && options.threshold.has_value(), "without deduplicate.method: near");
  idle("shingle_words", !near && options.shingle_words.has_value(), "without deduplicate.method: near");
  idle("key", none && options.key != plain.key, "without deduplicate.method: exact or near");
  idle("keep", none && options.keep != plain.keep, "without deduplicate.method: exact or near");
  idle("score_field", none && !options.score_field.empty(), "without deduplicate.method: exact or near");
  if (none) return;
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
  check_deduplicate(recipe.deduplicate, DataRecipe().deduplicate, state);
  check_decontaminate(recipe.decontaminate, state);
}

}  // namespace caravan::recipes
