// What all `caravan data COMMAND IN... --out FILE` commands have in common: the flags, the walk over the
// rows, the output, and the ledger with its report.
//
//   DataFlags flags("data dedup", kUsage);
//   flags.own().add_number("--threshold", threshold, 0, 1);
//   if (!flags.parse(args)) return 0;                       // help was asked for
//   DataRun run(flags, {{"threshold", *threshold}});        // refuses bad output before any work
//   run.walk().run<BlockFates>(
//       [&](const WalkBlock& block, JsonRow& json, BlockFates& fates) {
//         fates.clear(run.details());
//         for (std::size_t i = 0; i < block.size(); ++i) {
//           const WalkRow row = walk_row(block, i, json);
//           if (!row.sound()) fates.refuse(row); else fates.keep(row);
//         }
//       },
//       [&](const WalkBlock&, BlockFates& fates) { run.take(fates); });
//   return run.finish();
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/walk/fate_ledger.h"
#include "data/walk/row_inputs.h"
#include "data/walk/row_walk.h"
#include "data/walk/row_writer.h"
#include "recipes/command_flags.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {

class DataFlags {
 public:
  // `usage` ends with the command's own part; the common flags are added to it. Without an output
  // (`data inspect`) there is no --out and no --report.
  DataFlags(std::string command, const std::string& usage, bool has_output = true);
  CommandFlags& own() { return flags_; }
  // False where help was asked for; it is on stdout then.
  bool parse(std::span<const std::string> args);

  const std::string& command() const { return command_; }
  // Of a command whose inputs stand in flags of its own: called once they are read, fills `inputs`.
  std::function<void()> fill_inputs;
  bool nothing_to_write = false;  // set by a flag of the command: it only looks, and needs no --out

  std::vector<std::string> inputs;
  std::string out, report;
  std::optional<std::int64_t> threads;
  std::optional<std::int64_t> explain;  // rows shown for each reason
  bool force = false, quiet = false;

 private:
  std::string command_;
  bool has_output_;
  CommandFlags flags_;
};

class DataRun {
 public:
  // `options`: what the command was asked for besides the common flags, for the report. Throws data::Error
  // before any row is read: inputs that do not exist, an output that is refused. `block_bytes`: as
  // data::RowLimits has it; what a thread reads, parses and writes of a block of 256 KiB stays in its cache.
  DataRun(const DataFlags& flags, data::Json options, std::size_t block_bytes = std::size_t{256} << 10);

  const data::RowInputs& inputs() const { return inputs_; }
  bool details() const { return ledger_.wants_details(); }
  // The walk whose rows the ledger counts.
  data::RowWalk& walk() { return walk_; }
  // One more walk over the same files, for a command that must see all rows before it decides. Needs inputs
  // that can be read again; finish() refuses files that changed between the walks. `remembered`: remember()
  // will be called with it; of several walks the first is enough.
  data::RowWalk first_walk(bool remembered = true);
  // What a walk that first_walk() made has read, once it has run.
  void remember(const data::RowWalk& first);
  void take(const data::BlockFates& fates) { ledger_.take(fates, out_ ? &*out_ : nullptr); }
  data::FateLedger& ledger() { return ledger_; }
  // For an output that is not in the order of the walk: fates are taken without lines, lines written here.
  void take_fates(const data::BlockFates& fates) { ledger_.take(fates, nullptr); }
  void write(std::string_view lines) { out_->write(lines); }

  // Balances the ledger, puts output and report in their places and tells people on stderr. `more`: members
  // for report.json. Returns 0. Throws data::Error.
  int finish(const data::Json& more = data::Json::object());

 private:
  data::WalkOptions walk_options() const;
  void check_unchanged() const;

  const DataFlags& flags_;
  data::Json options_;
  trainer::StopRequest stop_;
  std::size_t block_bytes_;
  data::RowInputs inputs_;
  std::optional<data::RowWriter> out_;
  data::FateLedger ledger_;
  data::RowWalk walk_;
  std::vector<data::FileRead> before_;
};

}  // namespace caravan::recipes
