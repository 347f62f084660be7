// The step `rewrite` of data recipes: rows whose prompts take no thought become rows that need reasoning.
#pragma once

#include <vector>

#include "data/filters/row_filters.h"
#include "data/synthesis/answerer.h"
#include "data/synthesis/prompt_makers.h"
#include "recipes/curation/data_recipe.h"
#include "recipes/synthesis/generation_step.h"
#include "recipes/synthesis/model_pool.h"

namespace caravan::recipes {

// Its template. Throws data::Error as the file, and where {prompt} is missing.
data::PromptTemplate rewrite_template_of(const RewriteSection& options);

// Rows that are not trivial, and those that are no list of messages (pairs), keep their bytes. Of the others
// the first prompt is rewritten and answered anew, behind the system text where there is one; later turns
// belonged to the old question. Such a row is called ID.rewritten, keeps its source, and says in `rewritten`
// what it was and in `synthesis` how it came about. Reasons where that fails: those of make_prompts and of
// add_answers.
class RewriteRows {
 public:
  RewriteRows(const RewriteSection& options, std::uint64_t seed, ModelPool& models);
  // Which rows are passed on. Refers to this; may be called by several threads.
  StepPass make_pass() const;
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  ModelPool& models_;
  std::string model_, answer_model_;
  data::RowFilters trivial_;
  data::PromptTask prompts_;
  data::AnswerTask answers_;
};

}  // namespace caravan::recipes
