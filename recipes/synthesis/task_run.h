// What a step of a synthesis recipe does with the rows of a block.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/synthesis/answerer.h"
#include "data/synthesis/prompt_makers.h"
#include "recipes/synthesis/generation_step.h"
#include "recipes/synthesis/model_pool.h"
#include "recipes/synthesis/synthesis_recipe.h"

namespace caravan::recipes {

// Topics to personas: rows {"id","persona","topic","synthesis"}, each persona once.
class PersonaRun {
 public:
  PersonaRun(const PersonaOptions& options, const data::PromptTemplate& prompt, std::uint64_t seed,
             ModelPool& models)
      : options_(options), prompt_(prompt), seed_(seed), models_(models) {}
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  const PersonaOptions& options_;
  const data::PromptTemplate& prompt_;
  std::uint64_t seed_;
  ModelPool& models_;
  std::set<std::string> known_;
};

// Rows of a task's input to new rows.
class TaskRun {
 public:
  // `num_rows` of the input: decides how often each is used; without task.rows it does not matter.
  TaskRun(const SynthesisTask& task, std::string persona_field, std::size_t num_rows, std::uint64_t seed,
          ModelPool& models);
  std::vector<StepResult> work(std::vector<StepRow>& rows);

 private:
  struct Chain;
  std::uint32_t uses_of(const StepRow& row) const;
  std::string read_input(const StepRow& row, data::SynthesisInput& input) const;
  std::vector<StepResult> answer_rows(std::vector<StepRow>& rows);
  std::vector<StepResult> make_rows(const std::vector<StepRow>& rows);
  std::vector<StepResult> play(const std::vector<StepRow>& rows);
  void ask_next(std::vector<Chain>& chains, std::int64_t round);
  void answer_first(std::vector<Chain>& chains);
  void answer(std::vector<data::SynthesisRow>& rows);

  const SynthesisTask& task_;
  std::string persona_field_;
  std::uint64_t seed_;
  ModelPool& models_;
  std::vector<std::uint32_t> uses_;          // empty: per_row for each row
  std::optional<data::PromptTask> prompts_;  // none of kind answer
  std::optional<data::PromptTask> harder_;   // of self-play, beside the sideways one
  data::AnswerTask answers_;
};

}  // namespace caravan::recipes
