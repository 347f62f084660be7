// Steps that turn files of rows into files of rows, each done once: a step whose inputs, options and output
// are those of its record is passed over, so that a run that was stopped goes on where it was.
//
//   DIR/rows/NAME.jsonl            what the step wrote
//   DIR/reports/NAME/              its report, and step.json, the record, written last
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "recipes/commands/data_run.h"

namespace caravan::recipes {

struct CurationStep {
  std::string name = {};     // "2-deduplicate"
  std::string command = {};  // "data dedup", for its report
  std::vector<std::string> inputs = {};
  std::string out = {};
  data::Json options = {};                      // all that the output depends on besides the inputs
  std::vector<std::string> further_files = {};  // that it reads too: evaluation sets
  std::function<void(const DataFlags&)> run = {};
};

class CurationSteps {
 public:
  CurationSteps(std::filesystem::path folder, std::int64_t threads)
      : folder_(std::move(folder)), threads_(threads) {}

  // Runs the step unless it is done; tells people on stderr unless `quiet`. Its report. Throws data::Error as
  // the step does, and (internal) where its rows are not those that the steps before it wrote.
  data::Json run(const CurationStep& step, bool quiet);
  // Whether a step of this or an earlier run wrote the file that lies at `out`, as it is now.
  bool wrote(const std::string& out) const;
  std::string rows_file(const std::string& name) const {
    return (folder_ / "rows" / (name + ".jsonl")).string();
  }
  std::string report_folder(const std::string& name) const { return (folder_ / "reports" / name).string(); }

 private:
  bool is_done(const CurationStep& step, const data::Json& record) const;
  data::Json record_of(const CurationStep& step);
  void check_balance(const CurationStep& step, const data::Json& report) const;
  const std::string& hash_of(const std::string& path);

  std::filesystem::path folder_;
  std::int64_t threads_;
  std::map<std::string, std::string> hashes_;          // by path
  std::map<std::string, std::uint64_t> rows_written_;  // by path of an output
};

}  // namespace caravan::recipes
