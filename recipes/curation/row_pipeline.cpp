#include "recipes/curation/row_pipeline.h"

#include <cstdio>
#include <map>

#include "data/error.h"
#include "data/text_table.h"
#include "recipes/commands/data_filter.h"
#include "recipes/commands/dedup_run.h"
#include "recipes/curation/claim_folder.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

}  // namespace

void RowPipeline::claim_folder(std::string_view stage, const std::string& resolved) {
  recipes::claim_folder(dir_, stage, lock_);
  data::write_whole_file((dir_ / "recipe.yaml").string(), resolved, {true, {}});
}

const Json& RowPipeline::take(CurationStep step) {
  reports_.push_back(steps_.run(step, quiet_));
  reports_.back()["step"] = step.name;
  files_.push_back(step.out);
  return reports_.back();
}

const Json& RowPipeline::take_all(CurationStep step) {
  step.inputs = std::exchange(files_, {});
  return take(std::move(step));
}

void RowPipeline::filter(const data::FilterOptions& options) {
  const std::string name = next_name("filter");
  CurationStep step{.name = name,
                    .command = "data filter",
                    .out = rows_file(name),
                    .options = describe_filter(options),
                    .run = [options](const DataFlags& flags) { run_filter(flags, options); }};
  if (!options.keyword_file.empty()) step.further_files.push_back(options.keyword_file);
  take_all(std::move(step));
}

void RowPipeline::deduplicate(const DeduplicateOptions& asked, std::vector<std::string> sources) {
  DedupOptions options;
  options.near = asked.method == DeduplicateMethod::kNear;
  options.search.key = asked.key;
  options.search.threshold = asked.threshold.value_or(options.search.threshold);
  options.search.shingle_words = static_cast<std::size_t>(asked.shingle_words.value_or(5));
  options.keep = asked.keep;
  options.score_field = asked.score_field;
  if (asked.keep == data::KeepPolicy::kSource) options.sources = std::move(sources);
  const std::string name = next_name("deduplicate");
  const Json shown = describe_dedup(options);
  take_all({.name = name,
            .command = "data dedup",
            .out = rows_file(name),
            .options = shown,
            .run = [options, shown](const DataFlags& flags) {
              DataRun run(flags, shown);
              run_dedup(run, flags, options);
            }});
}

void RowPipeline::mix(const std::vector<data::MixPart>& parts, const data::MixOptions& options, Json amounts,
                      const std::string& out) {
  const MixRequest request{.parts = parts, .options = options, .seed = seed_};
  const std::string name = next_name("mix");
  require_own_output(out);
  Json shown = describe_mix(request);
  shown["amounts"] = std::move(amounts);
  data::make_folder(fs::path(out).parent_path().string());
  take_all({.name = name,
            .command = "data mix",
            .out = out,
            .options = shown,
            .run = [request, shown](const DataFlags& flags) {
              DataRun run(flags, shown);
              run_mix(run, flags, request);
            }});
}

void RowPipeline::require_own_output(const std::string& out) const {
  std::error_code ignored;
  if (!fs::exists(out, ignored) || steps_.wrote(out)) return;
  throw Error(Error::Kind::kUnsafe,
              out + ": exists, and this run did not write it; move it away, or name another out");
}

Json RowPipeline::ledger_steps() const {
  Json steps = Json::array();
  for (const Json& report : reports_)
    steps.push_back(
        {{"step", report.at("step")}, {"totals", report.at("totals")}, {"reasons", report.at("reasons")}});
  return steps;
}

Json RowPipeline::spent() const {
  std::map<std::string, Json> by_model;
  for (const Json& report : reports_) {
    const auto told = report.find("spent");
    if (told == report.end()) continue;
    for (const Json& line : *told) {
      Json& most = by_model[line.at("model").get<std::string>()];
      if (most.is_null() || line.at("requests") > most.at("requests")) most = line;
    }
  }
  Json list = Json::array();
  for (auto& [name, line] : by_model) list.push_back(std::move(line));
  return list;
}

void RowPipeline::write_ledger(const Json& ledger) const {
  const std::string text = ledger.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  data::write_whole_file((dir_ / "ledger.json").string(), text, {true, {}});
}

void RowPipeline::tell_output(const std::string& out) const {
  if (quiet_) return;
  const Json& last = reports_.back();
  std::fprintf(stderr, "%s: %s rows, SHA-256 %s\n", shown_text(out).c_str(),
               data::grouped(last.at("totals").at("written").get<std::uint64_t>()).c_str(),
               last.at("output").at("sha256").get<std::string>().c_str());
}

}  // namespace caravan::recipes
