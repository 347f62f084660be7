#include "recipes/curation/curation_steps.h"

#include <chrono>
#include <cstdio>
#include <fstream>

#include "data/bounded_json.h"
#include "data/error.h"
#include "data/sha256.h"
#include "data/text_table.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

// There from before a step writes until its record is written: killed between the two, its output is still
// this run's.
constexpr const char* kBegun = "begun.json";

// Null where there is no such file, or no JSON in it.
Json read_json(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  Json json = data::parse_bounded_json(file);
  return json.is_object() ? json : Json();
}

std::uint64_t rows_of(const Json& report, const char* total) {
  return report.at("totals").at(total).get<std::uint64_t>();
}

}  // namespace

const std::string& CurationSteps::hash_of(const std::string& path) {
  std::string& hash = hashes_[path];
  if (hash.empty()) hash = data::sha256_file_hex(path);
  return hash;
}

Json CurationSteps::record_of(const CurationStep& step) {
  Json files = Json::array();
  for (const auto* list : {&step.inputs, &step.further_files}) {
    for (const std::string& file : *list) files.push_back({{"path", file}, {"sha256", hash_of(file)}});
  }
  return {{"caravan", CARAVAN_VERSION},
          {"command", step.command},
          {"options", step.options},
          {"reads", files},
          {"out", step.out}};
}

bool CurationSteps::is_done(const CurationStep& step, const Json& record) const {
  Json done = read_json(fs::path(report_folder(step.name)) / "step.json");
  const std::string hash = done.is_object() ? done.value("sha256", "") : "";
  if (hash.empty()) return false;
  done.erase("sha256");
  std::error_code ignored;
  return done == record && fs::is_regular_file(step.out, ignored) && data::sha256_file_hex(step.out) == hash;
}

bool CurationSteps::wrote(const std::string& out) const {
  const std::string hash = data::sha256_file_hex(out);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_ / "reports", ignored)) {
    const Json begun = read_json(entry.path() / kBegun);
    if (begun.is_object() && begun.value("out", "") == out) return true;
    const Json record = read_json(entry.path() / "step.json");
    if (record.is_object() && record.value("out", "") == out && record.value("sha256", "") == hash)
      return true;
  }
  return false;
}

// Every row that a step before wrote must have been read, and nothing else.
void CurationSteps::check_balance(const CurationStep& step, const Json& report) const {
  for (const Json& input : report.at("inputs")) {
    const auto path = input.at("path").get<std::string>();
    const auto written = rows_written_.find(path);
    const auto rows = input.at("rows").get<std::uint64_t>();
    const bool same_bytes = hashes_.contains(path) && hashes_.at(path) == input.at("sha256");
    const bool balances = written == rows_written_.end() || written->second == rows;
    if (same_bytes && balances) continue;
    throw Error(
        same_bytes ? Error::Kind::kInternal : Error::Kind::kData,
        step.name + ": " + path +
            (same_bytes ? ": " + std::to_string(rows) + " rows were read, " +
                              std::to_string(written->second) + " were written; please report this defect"
                        : ": changed while the run read it; run it again when it is at rest"));
  }
}

Json CurationSteps::run(const CurationStep& step, bool quiet) {
  const auto began = std::chrono::steady_clock::now();
  Json record = record_of(step);
  const bool done = is_done(step, record);
  if (!done) {
    data::make_folder((folder_ / "rows").string());
    DataFlags flags(step.command, "");
    flags.inputs = step.inputs;
    flags.out = step.out;
    flags.report = report_folder(step.name);
    flags.threads = threads_ == 0 ? std::nullopt : std::optional(threads_);
    flags.force = true;
    flags.quiet = true;
    std::error_code ignored;
    fs::remove(fs::path(flags.report) / "step.json", ignored);
    data::make_folder(flags.report);
    data::write_whole_file(flags.report + "/" + kBegun, Json{{"out", step.out}}.dump() + "\n", {true, {}});
    step.run(flags);
  }
  const Json report = read_json(fs::path(report_folder(step.name)) / "report.json");
  if (!report.is_object())
    throw Error(Error::Kind::kInputOutput,
                report_folder(step.name) + "/report.json: cannot be read; run again");
  check_balance(step, report);
  hashes_[step.out] = report.at("output").at("sha256").get<std::string>();
  rows_written_[step.out] = report.at("output").at("rows").get<std::uint64_t>();
  if (!done) {
    record["sha256"] = hashes_[step.out];
    data::write_whole_file(report_folder(step.name) + "/step.json", record.dump(1) + "\n", {true, {}});
    std::error_code ignored;
    fs::remove(fs::path(report_folder(step.name)) / kBegun, ignored);
  }
  if (!quiet) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
    std::fprintf(stderr, "%s: %s rows to %s, %s\n", step.name.c_str(),
                 data::grouped(rows_of(report, "rows")).c_str(),
                 data::grouped(rows_of(report, "written")).c_str(),
                 done ? "done before" : (std::to_string(seconds.count()).substr(0, 5) + " s").c_str());
  }
  return report;
}

}  // namespace caravan::recipes
