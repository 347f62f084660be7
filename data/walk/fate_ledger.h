// One fate for every row that a command read: counted, written down, and balanced.
//
// Goals: what the command read, what it wrote and what it says of each row must agree, or it fails (70) and
// leaves no output; memory does not grow with the rows. Non-goals: deciding anything.
//
//   DIR/fates.jsonl   a line per row read: file, line (or element, or row), id, fate, reasons, hash, and the
//   rows it became (line in
//                     the output, id, hash). The output of one command is the input of the next: `hash`
//                     chains.
//   DIR/report.json   inputs and output with SHA-256, options, totals, reasons; written last
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/message.h"
#include "data/walk/block_fates.h"
#include "data/walk/row_writer.h"

namespace caravan::data {

struct FateTotals {
  std::uint64_t rows = 0, kept = 0, repaired = 0, merged = 0, dropped = 0, ignored = 0;
  std::uint64_t written = 0;  // lines of the output
  void count(RowFate fate);
  void add(const FateTotals& other);
};

std::string name_of(RowFate fate);

class FateLedger {
 public:
  static constexpr std::size_t kSampleWidth = 120;
  struct Options {
    std::string folder = {};              // of the report; empty: none is written
    bool force = false;                   // replace an earlier report
    std::size_t samples = 0;              // rows kept of each reason, to show them
    std::vector<std::string> files = {};  // of the walk
  };
  // Makes the folder. Throws data::Error as WholeFile.
  explicit FateLedger(Options options);

  bool wants_details() const { return fates_ != nullptr; }
  // In the order of the walk. Writes the lines to `out` (where there is one) and the fates to the ledger.
  void take(const BlockFates& block, RowWriter* out);

  struct Reason {
    std::uint64_t rows = 0;
    RowFate fate = RowFate::kKept;     // of the first
    std::vector<SourceLine> places;    // of the first few
    std::vector<std::string> samples;  // what they hold, in kSampleWidth characters
  };
  const FateTotals& totals() const { return totals_; }
  const std::map<std::string, Reason>& reasons() const { return reasons_; }

  // Throws data::Error (internal) unless every row of the walk has one fate and every line written belongs to
  // one.
  void check_balance(const RowWalk& walk) const;
  // Inputs, output, totals and reasons. `head` and `more` are members put before and after them.
  Json report(const RowWalk& walk, const std::string& out_path, const RowWriter* out, Json head,
              const Json& more) const;
  // The files of the report, in their places. Called after the output is.
  void finish_fates();
  void commit(const Json& report);
  // For people: totals by file, then reasons with their first places, then samples. Ends in a line feed.
  std::string summary() const;

 private:
  void count(const BlockFates::Row& row);
  void write_fate(const BlockFates::Row& row, const BlockFates::Line*& line);

  Options options_;
  std::unique_ptr<RowWriter> fates_;
  FateTotals totals_;
  std::vector<FateTotals> per_file_;
  std::map<std::string, Reason> reasons_;
  std::vector<std::string> file_texts_;  // names of the files as JSON
  std::vector<std::string> row_keys_;    // what the numbers of their rows are called, as JSON keys
  std::string text_;
};

}  // namespace caravan::data
