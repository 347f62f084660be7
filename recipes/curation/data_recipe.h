// A recipe of `stage: data`: from published sets to one clean, mixed file of rows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/decontamination/measure.h"
#include "data/decontamination/row_words.h"
#include "data/deduplication/keep_policy.h"
#include "data/deduplication/near_clusters.h"
#include "data/deduplication/row_key.h"
#include "data/filters/filter_options.h"
#include "data/mixing/mix_options.h"
#include "recipes/curation/embedder_source.h"
#include "recipes/curation/recipe_head.h"
#include "recipes/synthesis/model_source.h"

namespace caravan::recipes {

enum class DataStage { kData };
constexpr std::array<std::string_view, 1> choice_names(DataStage) {
  return {"data"};
}

// A published set: where it lies, how it is read, how much of it is used.
struct DataSource {
  std::string name = {};
  std::string path = {};
  std::string published = {};
  std::string format = "auto";
  std::string subset = {};
  std::int64_t top_k = 1;
  std::int64_t repeat = 1;
  bool source_filter = false;
  data::MixAmount amount = {};
  bool operator==(const DataSource&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name,
            {.help = "the source of its records; letters, digits, _ - . and no other character",
             .required = true});
    v.field("path", path,
            {.help = "file or glob of rows: jsonl, json, csv, tsv, each also .gz or .zst, or parquet",
             .required = true,
             .path = true});
    v.field("published", published, {.help = "where the set is published: told when the file is missing"});
    v.field("format", format,
            {.help = "layout of the rows, as in caravan data convert --list; auto looks at the first rows of "
                     "each file"});
    v.field("subset", subset, {.help = "wildchat, openmathinstruct: only this part"});
    v.field("top_k", top_k,
            {.help = "oasst: replies followed at each turn, best first", .min = 1, .max = 1000});
    v.field("repeat", repeat, {.help = "each record so many times (hardcoded)", .min = 1, .max = 10000});
    v.field("source_filter", source_filter,
            {.help = "wildchat: drop what the set marks as toxic, redacted or not English"});
    amount.visit_fields(v);
  }
};

enum class DeduplicateMethod { kNone, kExact, kNear };
constexpr std::array<std::string_view, 3> choice_names(DeduplicateMethod) {
  return {"none", "exact", "near"};
}

struct DeduplicateOptions {
  DeduplicateMethod method = DeduplicateMethod::kNone;
  data::KeyKind key = data::KeyKind::kText;
  std::optional<double> threshold = {};
  std::optional<std::int64_t> shingle_words = {};
  data::KeepPolicy keep = data::KeepPolicy::kFirst;
  std::string score_field = {};
  bool operator==(const DeduplicateOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("method", method,
            {.help = "none; exact: rows with equal keys; near: also rows whose runs of words are alike"});
    v.field("key", key, {.help = "what is compared, as caravan data dedup --key"});
    v.field("threshold", threshold,
            {.help = "near: Jaccard of the sets of word runs from which rows are duplicates; absent: 0.8",
             .min = 0.05,
             .max = 1});
    v.field("shingle_words", shingle_words,
            {.help = "near: words in a run; absent: 5", .min = 1, .max = 100});
    v.field("keep", keep,
            {.help = "which row of a cluster stays; source: of the source that stands first in sources"});
    v.field("score_field", score_field, {.help = "keep score: a number of the row, the highest stays"});
  }
};

// Trivial prompts made into prompts that need reasoning, by a model.
struct RewriteSection {
  std::string model = {}, answer_model = {};
  std::string prompt_template = {};
  std::int64_t trivial_words = 1, trivial_operations = 1;
  std::int64_t max_tokens = 2048;
  bool operator==(const RewriteSection&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("model", model, {.help = "which of models rewrites; absent: nothing is rewritten"});
    v.field("answer_model", answer_model, {.help = "which of models answers the new prompts; absent: model"});
    v.field("prompt_template", prompt_template,
            {.help = "file with {prompt} in place of the built-in template", .path = true});
    v.field("trivial_words", trivial_words,
            {.help = "rows whose every prompt has at most so many words, or ...", .min = 0, .max = 100});
    v.field("trivial_operations", trivial_operations,
            {.help = "... only asks for at most so many operations on numbers, are rewritten",
             .min = 0,
             .max = 100});
    v.field("max_tokens", max_tokens, {.help = "most tokens of an answer", .min = 1, .max = 1 << 20});
  }
};

enum class EvalSuite { kDevelopment, kUnseen };
constexpr std::array<std::string_view, 2> choice_names(EvalSuite) {
  return {"development", "unseen"};
}

// Items that must not be trained on.
struct EvalSetOptions {
  std::string name = {};
  EvalSuite suite = EvalSuite::kDevelopment;
  std::string path = {};
  std::string field = {};
  std::string published = {};
  bool operator==(const EvalSetOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name, {.help = "of the evaluation set", .required = true});
    v.field("suite", suite,
            {.help = "development: looked at while a recipe is tuned; unseen: at the very end. Reports name "
                     "a set as SUITE/NAME",
             .required = true});
    v.field("path", path, {.help = "file or glob of items", .required = true, .path = true});
    v.field("field", field,
            {.help = "the text of an item: KEY, KEY+KEY, or a column of csv by number; absent: "
                     "question, prompt, ... of the first row"});
    v.field("published", published, {.help = "where the set is published: told when the file is missing"});
  }
};

struct DecontaminateSection {
  std::vector<EvalSetOptions> sets = {};
  data::MeasureName measure = data::MeasureName::kWeighted;
  data::SearchScope scope = data::SearchScope::kAll;
  double remove_from = 0.90;
  double review_from = 0.60;
  std::string apply_review = {};
  EmbedderSource embedder = {};
  bool operator==(const DecontaminateSection&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.list("sets", sets, {.help = "evaluation sets; absent: nothing is searched"});
    v.field("measure", measure, {.help = "what a row gives away of an item, as caravan data decontaminate"});
    v.field("scope", scope, {.help = "which turns are searched"});
    v.field("remove_from", remove_from, {.help = "score from which a row is removed", .min = 0.05, .max = 1});
    v.field("review_from", review_from,
            {.help = "score from which a row is held back for a person", .min = 0.05, .max = 1});
    v.field("apply_review", apply_review,
            {.help = "review.jsonl of an earlier run, with its decisions", .path = true});
    embedder.visit_fields(v);
  }
};

struct DataRunOptions {
  std::string dir = {};
  std::uint64_t seed = 42;
  std::int64_t threads = 0;
  bool operator==(const DataRunOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("dir", dir,
            {.help = "run folder: resolved recipe, the rows after each step, reports, ledger.json",
             .required = true,
             .output_path = true});
    v.field("seed", seed, {.help = "seed of what the mix picks, and of its order"});
    v.field(
        "threads", threads,
        {.help = "0: every core; no result depends on it", .min = 0, .max = 1024, .free_at_resume = true});
  }
};

struct DataRecipe : RecipeHead<DataStage> {
  std::vector<DataSource> sources;
  std::vector<ModelSource> models;
  RewriteSection rewrite;
  data::FilterOptions filters;
  DeduplicateOptions deduplicate;
  DecontaminateSection decontaminate;
  data::MixOptions mix;
  DataRunOptions run;
  bool operator==(const DataRecipe&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    visit_head(v, "the file of the mix: .jsonl, .jsonl.gz or .jsonl.zst");
    v.list("sources", sources, {.help = "the published sets", .required = true});
    v.list("models", models, {.help = "endpoints that rewrite and answer; absent: none is asked"});
    v.section("rewrite", rewrite, {.help = "trivial prompts made into prompts that need reasoning"});
    v.section("filters", filters, {.help = "rows that are not worth training on; none is on by default"});
    v.section("deduplicate", deduplicate, {.help = "rows that repeat another one, over all sources"});
    v.section("decontaminate", decontaminate, {.help = "rows that give away evaluation items"});
    v.section("mix", mix, {.help = "how many rows of each source there are in the end"});
    v.section("run", run, {.help = "where to, and by which seed"});
  }
};

}  // namespace caravan::recipes
