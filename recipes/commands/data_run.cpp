#include "recipes/commands/data_run.h"

#include <cstdio>

#include "data/error.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

constexpr const char* kInputHelp =
    "IN is a file or a glob, or - or a pipe for jsonl: .jsonl, .ndjson, .json, .csv, .tsv (each also "
    ".gz, .zst), "
    ".parquet\n";
constexpr const char* kOutputHelp =
    "  --out FILE       .jsonl, .jsonl.gz or .jsonl.zst; - is standard output\n"
    "  --report DIR     fates.jsonl (what became of each row, and why) and report.json\n"
    "  --force          replace an output and a report that exist\n"
    "  --explain [N]    show N (3) rows for each reason\n"
    "  --quiet          no table on stderr\n";
constexpr const char* kThreadsHelp =
    "  --threads N      default: one for each core; the output does not depend on it\n";
constexpr const char* kExitHelp =
    "Exit codes: 0 done, 2 usage, 65 damaged input, 70 the ledger does not balance, 74 files or disk, 75 "
    "stopped (nothing "
    "is left,\nrun it again), 77 refused to write over a file.\n";

// The summary bounds itself: files, reasons and samples.
constexpr std::size_t kMaxSummaryBytes = std::size_t{16} << 20;

std::string full_usage(const std::string& usage, bool has_output) {
  return usage + (has_output ? kOutputHelp : "") + kThreadsHelp + kInputHelp + kExitHelp;
}

data::FateLedger::Options ledger_options(const DataFlags& flags, const data::RowInputs& inputs) {
  return {.folder = flags.report,
          .force = flags.force,
          .samples = static_cast<std::size_t>(flags.explain.value_or(0)),
          .files = inputs.files()};
}

}  // namespace

DataFlags::DataFlags(std::string command, const std::string& usage, bool has_output)
    : command_(std::move(command)), has_output_(has_output), flags_(command_, full_usage(usage, has_output)) {
  constexpr std::int64_t kMaxThreads = 1024;
  flags_.add_words(inputs);
  flags_.add_integer("--threads", threads, 1, kMaxThreads);
  if (!has_output) return;
  flags_.add_text("--out", out);
  flags_.add_text("--report", report);
  flags_.add_switch("--force", force);
  constexpr std::int64_t kSamples = 3, kMaxSamples = 1000;
  flags_.add_count("--explain", explain, kSamples, 1, kMaxSamples);
  flags_.add_switch("--quiet", quiet);
}

bool DataFlags::parse(std::span<const std::string> args) {
  if (!flags_.parse(args)) return false;
  if (fill_inputs) fill_inputs();
  if (inputs.empty()) flags_.refuse("no input is named");
  if (has_output_ && !nothing_to_write && out.empty())
    flags_.refuse("--out FILE is needed; - is standard output");
  return true;
}

DataRun::DataRun(const DataFlags& flags, Json options, std::size_t block_bytes)
    : flags_(flags),
      options_(std::move(options)),
      block_bytes_(block_bytes),
      inputs_(flags.inputs),
      ledger_(ledger_options(flags, inputs_)),
      walk_(inputs_.files(), walk_options()) {
  if (flags.out.empty()) return;
  out_.emplace(flags.out, data::WholeFileOptions{flags.force, inputs_.files()}, details());
}

data::WalkOptions DataRun::walk_options() const {
  return {.threads = static_cast<std::size_t>(flags_.threads.value_or(0)),
          .limits = {.block_bytes = block_bytes_},
          .hash_files = details(),
          .stop = trainer::StopRequest::requested};
}

data::RowWalk DataRun::first_walk(bool remembered) {
  inputs_.need_rereadable(flags_.command());
  data::WalkOptions options = walk_options();
  options.print_rows = true;
  walk_ = data::RowWalk(inputs_.files(), options);
  options.hash_files = false;
  options.print_rows = remembered;
  return {inputs_.files(), options};
}

void DataRun::remember(const data::RowWalk& first) {
  before_ = first.files_read();
}

void DataRun::check_unchanged() const {
  for (std::size_t i = 0; i < before_.size(); ++i) {
    const data::FileRead& after = walk_.files_read().at(i);
    if (before_[i].fingerprint == after.fingerprint && before_[i].rows == after.rows) continue;
    throw Error(Error::Kind::kData,
                before_[i].path +
                    ": changed while it was read (its first and second reading differ); nothing "
                    "was written, run again when it is at rest");
  }
}

int DataRun::finish(const Json& more) {
  check_unchanged();
  ledger_.check_balance(walk_);
  if (out_) out_->finish();
  ledger_.finish_fates();
  if (out_) out_->commit();
  if (details()) {
    const Json head{{"caravan", CARAVAN_VERSION}, {"command", flags_.command()}, {"options", options_}};
    ledger_.commit(ledger_.report(walk_, flags_.out, out_ ? &*out_ : nullptr, head, more));
  }
  if (!flags_.quiet) std::fputs(shown_text(ledger_.summary(), kMaxSummaryBytes).c_str(), stderr);
  return 0;
}

}  // namespace caravan::recipes
