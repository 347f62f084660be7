// The rows a stage trains on and those it is measured with: opened, told of, planned, the same on all ranks.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/loader/training_data.h"
#include "recipes/recipe.h"
#include "recipes/stages/input_hashes.h"
#include "recipes/text_front.h"
#include "trainer/batch_source.h"
#include "trainer/distributed/process_group.h"
#include "trainer/metrics/log.h"
#include "trainer/metrics/terminal.h"

namespace caravan::recipes {

// The `data` section with other rows, and the place where their tokens are kept.
data::DataOptions cached_data(const Recipe& recipe, const std::vector<data::SourceOptions>& sources);
// The steps of training as the recipe has them.
data::PlanOptions plan_options(const Recipe& recipe);

// Before anything is read for training: data that was not searched is not trained on. Throws data::Error.
void require_clean_data(const Recipe& recipe);
// Throws Error (data) where ranks say different things of what they read. Collective.
void require_same_on_all_ranks(const std::string& own, trainer::ProcessGroup& group);
// Prints what became of rows, and writes it to `file` in data/ of run.dir.
void tell_fates(const Recipe& recipe, const data::Ledger& ledger, const std::string& title,
                const std::string& file, trainer::Log& log);

// Not to be moved: its parts point at each other.
class StageData {
 public:
  // Collective: rank 0 builds the cache, the others find it, or build their own where they do not share its
  // disk. Rank 0 also prints the fates of the rows and writes them to data/ of run.dir. Throws data::Error,
  // and trainer::Error where ranks read different data.
  StageData(const Recipe& recipe, const TextFront& front, trainer::Log& log, trainer::Terminal& terminal,
            trainer::ProcessGroup& group);
  StageData(const StageData&) = delete;
  StageData& operator=(const StageData&) = delete;

  trainer::BatchSource& source() { return *source_; }
  const data::TrainingData& rows() const { return *data_; }
  const data::TrainingData* held_out_rows() const { return held_out_ ? &*held_out_ : nullptr; }
  // Null where the recipe names no held-out rows.
  trainer::BatchSource* held_out() { return held_out_source_ ? &*held_out_source_ : nullptr; }
  std::int64_t num_tokens() const { return plan_->num_tokens(); }  // of all steps
  // Every file that was read, by the name it has on the run card.
  std::vector<NamedFile> files() const;
  // Counts for the run card.
  nlohmann::ordered_json sizes() const;

 private:
  data::TrainingData open(const std::vector<data::SourceOptions>& sources, const TextFront& front,
                          trainer::Log& log, trainer::Terminal& terminal, trainer::ProcessGroup& group) const;

  const Recipe& recipe_;
  std::optional<data::TrainingData> data_, held_out_;
  std::optional<data::BatchPlan> plan_, held_out_plan_;
  std::optional<trainer::PlannedSource> source_, held_out_source_;
};

}  // namespace caravan::recipes
