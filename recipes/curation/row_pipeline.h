// What all recipes that make rows do alike: a folder of their own, steps one behind the other, and the steps
// that filter, deduplicate and mix.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/filters/filter_options.h"
#include "recipes/commands/mix_run.h"
#include "recipes/curation/curation_steps.h"
#include "recipes/curation/data_recipe.h"
#include "trainer/checkpoint/run_lock.h"

namespace caravan::recipes {

class RowPipeline {
 public:
  RowPipeline(const DataRunOptions& run, bool quiet)
      : dir_(run.dir), seed_(run.seed), quiet_(quiet), steps_(run.dir, run.threads) {}

  // The folder is new, or that of an earlier run of a recipe of this stage, and no other process is at work
  // there. Writes the recipe into it.
  void claim_folder(std::string_view stage, const std::string& resolved);

  // "3-filter".
  std::string next_name(const std::string& what) { return std::to_string(++num_steps_) + '-' + what; }
  // Several steps may share a number.
  std::string same_name(const std::string& what) const { return std::to_string(num_steps_) + '-' + what; }
  void count_step() { ++num_steps_; }
  std::string rows_file(const std::string& name) const { return steps_.rows_file(name); }

  // Runs a step; its output joins the files that the next step reads.
  const data::Json& take(CurationStep step);
  // A step over all that there is: its output takes the place of the files before it.
  const data::Json& take_all(CurationStep step);

  void filter(const data::FilterOptions& options);
  // `sources`: in the order of their worth, for keep: source.
  void deduplicate(const DeduplicateOptions& asked, std::vector<std::string> sources);
  // `amounts`: what the recipe says of each part, for the record.
  void mix(const std::vector<data::MixPart>& parts, const data::MixOptions& options, data::Json amounts,
           const std::string& out);
  // A file that lies at `out` must be what a run in this folder wrote there, unchanged.
  void require_own_output(const std::string& out) const;

  // reports[].step, totals and reasons.
  data::Json ledger_steps() const;
  // What models cost: the most that a report says of each, over steps of this run and of earlier ones.
  data::Json spent() const;
  void write_ledger(const data::Json& ledger) const;
  // "out.jsonl: 12 rows, SHA-256 ...", of the last step.
  void tell_output(const std::string& out) const;

  std::vector<std::string>& files() { return files_; }
  const std::vector<data::Json>& reports() const { return reports_; }
  bool quiet() const { return quiet_; }

 private:
  std::filesystem::path dir_;
  std::uint64_t seed_;
  bool quiet_;
  std::optional<trainer::RunLock> lock_;
  CurationSteps steps_;
  int num_steps_ = 0;
  std::vector<std::string> files_;  // what the next step reads
  std::vector<data::Json> reports_;
};

}  // namespace caravan::recipes
