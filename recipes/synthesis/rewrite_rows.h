// The step `rewrite` of data recipes: rows whose prompts take no thought become rows that need reasoning.
#pragma once

#include <string>
#include <vector>

#include "data/filters/row_filters.h"
#include "data/rewriting/prompt_rewriter.h"
#include "data/synthesis/prompt_template.h"
#include "recipes/curation/data_recipe.h"
#include "recipes/synthesis/generation_step.h"
#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

// Its template. Throws data::Error as the file, and where {prompt} is missing.
data::PromptTemplate rewrite_template_of(const RewriteSection& options);

// Rows that are not trivial keep their bytes. Of the others the prompt is rewritten and answered anew;
// reasons where that fails: those of PromptRewriter and of add_answers.
class RewriteRows {
 public:
  RewriteRows(const RewriteSection& options, std::uint64_t seed, ModelPool& models);
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  bool is_trivial(const data::Json& row);

  const RewriteSection& options_;
  std::uint64_t seed_;
  ModelPool& models_;
  data::RowFilters trivial_;
  data::RowFilters::Workspace space_;
  data::JsonRow json_;
  std::string text_;
};

}  // namespace caravan::recipes
