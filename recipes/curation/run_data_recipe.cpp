#include "recipes/curation/run_data_recipe.h"

#include <cstdio>
#include <filesystem>
#include <optional>

#include "data/choice_name.h"
#include "data/error.h"
#include "data/readers/file_list.h"
#include "data/text_table.h"
#include "recipes/commands/convert_run.h"
#include "recipes/commands/data_filter.h"
#include "recipes/commands/decontaminate_run.h"
#include "recipes/commands/dedup_run.h"
#include "recipes/commands/mix_run.h"
#include "recipes/curation/curation_steps.h"
#include "recipes/curation/data_files.h"
#include "recipes/field_list.h"
#include "recipes/resolved_recipe.h"
#include "recipes/shown_text.h"
#include "trainer/checkpoint/run_lock.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

class DataPipeline {
 public:
  DataPipeline(const DataRecipe& recipe, bool quiet)
      : recipe_(recipe), quiet_(quiet), steps_(recipe.run.dir, recipe.run.threads) {}

  void run() {
    claim_folder();
    convert();
    if (names_a_filter(recipe_.filters)) filter();
    if (recipe_.deduplicate.method != DeduplicateMethod::kNone) deduplicate();
    if (!recipe_.decontaminate.sets.empty()) decontaminate();
    mix();
    write_ledger();
  }

 private:
  // The folder is new, or that of an earlier run of a data recipe, and no other process is at work there.
  void claim_folder() {
    const fs::path dir = recipe_.run.dir, known = dir / "recipe.yaml";
    if (holds_files(dir) && !is_data_recipe(known))
      throw Error(
          Error::Kind::kUnsafe,
          dir.string() + ": holds something else than a run of a data recipe; choose another run.dir");
    data::make_folder(dir.string());
    lock_.emplace(dir);
    data::write_whole_file(known.string(), resolved_yaml(recipe_), {true, {}});
  }

  // The lock of a run that was killed before it wrote anything is none.
  static bool holds_files(const fs::path& dir) {
    std::error_code ignored;
    if (fs::exists(dir, ignored) && !fs::is_directory(dir, ignored)) return true;
    for (const auto& entry : fs::directory_iterator(dir, ignored))
      if (entry.path().filename() != ".lock") return true;
    return false;
  }

  std::string next_name(const std::string& what) { return std::to_string(++num_steps_) + '-' + what; }

  void take(CurationStep step) {
    reports_.push_back(steps_.run(step, quiet_));
    reports_.back()["step"] = step.name;
    files_.push_back(step.out);
  }

  void convert() {
    ++num_steps_;
    for (const DataSource& source : recipe_.sources) {
      ConvertRequest request{.format = source.format, .source = source.name};
      request.options.subset = source.subset;
      request.options.top_k = static_cast<std::uint32_t>(source.top_k);
      request.options.repeat = static_cast<std::uint32_t>(source.repeat);
      request.options.source_filter = source.source_filter;
      const std::string name = std::to_string(num_steps_) + "-convert-" + source.name;
      take({.name = name,
            .command = "data convert",
            .inputs = data::list_files(source.path),
            .out = steps_.rows_file(name),
            .options = describe_convert(request),
            .run = [request](const DataFlags& flags) { run_convert(flags, request); }});
    }
  }

  void filter() {
    const data::FilterOptions options = recipe_.filters;
    const std::string name = next_name("filter");
    CurationStep step{.name = name,
                      .command = "data filter",
                      .out = steps_.rows_file(name),
                      .options = describe_filter(options),
                      .run = [options](const DataFlags& flags) { run_filter(flags, options); }};
    if (!options.keyword_file.empty()) step.further_files.push_back(options.keyword_file);
    take_all(std::move(step));
  }

  void deduplicate() {
    const DeduplicateOptions& asked = recipe_.deduplicate;
    DedupOptions options;
    options.near = asked.method == DeduplicateMethod::kNear;
    options.search.key = asked.key;
    options.search.threshold = asked.threshold.value_or(options.search.threshold);
    options.search.shingle_words = static_cast<std::size_t>(asked.shingle_words.value_or(5));
    options.keep = asked.keep;
    options.score_field = asked.score_field;
    if (asked.keep == data::KeepPolicy::kSource) {
      for (const DataSource& source : recipe_.sources) options.sources.push_back(source.name);
    }
    const std::string name = next_name("deduplicate");
    const Json shown = describe_dedup(options);
    take_all({.name = name,
              .command = "data dedup",
              .out = steps_.rows_file(name),
              .options = shown,
              .run = [options, shown](const DataFlags& flags) {
                DataRun run(flags, shown);
                run_dedup(run, flags, options);
              }});
  }

  void decontaminate() {
    const DecontaminateSection& asked = recipe_.decontaminate;
    const DecontaminateOptions options{.measure = asked.measure,
                                       .scope = asked.scope,
                                       .remove_from = asked.remove_from,
                                       .review_from = asked.review_from,
                                       .review_path = asked.apply_review};
    const auto sets = eval_sources(recipe_);
    const std::string name = next_name("decontaminate");
    Json shown{{"measure", data::choice_name(asked.measure)},
               {"scope", data::choice_name(asked.scope)},
               {"remove_from", asked.remove_from},
               {"review_from", asked.review_from},
               {"apply_review", asked.apply_review}};
    CurationStep step{.name = name, .command = "data decontaminate", .out = steps_.rows_file(name)};
    for (const data::EvalSource& set : sets) {
      for (std::string& file : data::list_files(set.path)) step.further_files.push_back(std::move(file));
      shown["sets"].push_back({{"name", set.name}, {"field", set.field}});
    }
    if (!asked.apply_review.empty()) step.further_files.push_back(asked.apply_review);
    step.options = shown;
    step.run = [options, sets, shown](const DataFlags& flags) {
      const data::EvalIndex index(data::read_eval_items(sets));
      const data::ReviewedRows reviewed =
          options.review_path.empty() ? data::ReviewedRows() : data::ReviewedRows::read(options.review_path);
      DataRun run(flags, shown);
      run_decontaminate(run, flags, options, index, reviewed);
    };
    take_all(std::move(step));
  }

  // A step over all that there is: its output takes the place of the files before it.
  void take_all(CurationStep step) {
    step.inputs = std::exchange(files_, {});
    take(std::move(step));
  }

  void mix() {
    MixRequest request{.parts = mix_parts(recipe_), .options = recipe_.mix, .seed = recipe_.run.seed};
    const std::string name = next_name("mix");
    require_own_output(name);
    Json shown = describe_mix(request);
    shown["amounts"] = Json::array();
    for (const DataSource& source : recipe_.sources) shown["amounts"].push_back(amount_text(source.amount));
    data::make_folder(fs::path(recipe_.out).parent_path().string());
    take_all({.name = name,
              .command = "data mix",
              .out = recipe_.out,
              .options = shown,
              .run = [request, shown](const DataFlags& flags) {
                DataRun run(flags, shown);
                run_mix(run, flags, request);
              }});
  }

  // A file that lies at `out` must be what this run wrote there, unchanged.
  void require_own_output(const std::string& name) const {
    std::error_code ignored;
    if (!fs::exists(recipe_.out, ignored)) return;
    if (steps_.wrote(name, recipe_.out)) return;
    throw Error(Error::Kind::kUnsafe,
                recipe_.out + ": exists, and this run did not write it; move it away, or name another out");
  }

  // The amount as its keys say it: what decides whether the mix must be made again.
  static Json amount_text(const data::MixAmount& amount);

  void write_ledger() const {
    std::vector<data::TableLine> table{{"source", "rows read", "records", "left to mix", "rows of the mix"}};
    Json sources = Json::array();
    const Json& mixed = reports_.back().at("mix");
    for (std::size_t i = 0; i < recipe_.sources.size(); ++i) {
      const Json& totals = reports_[i].at("totals");
      Json line{{"name", recipe_.sources[i].name},
                {"rows", totals.at("rows")},
                {"records", totals.at("written")},
                {"left", mixed.at(i).at("rows")},
                {"written", mixed.at(i).at("written")}};
      data::TableLine& shown = table.emplace_back(data::TableLine{recipe_.sources[i].name});
      for (const char* key : {"rows", "records", "left", "written"})
        shown.push_back(data::grouped(line[key].get<std::uint64_t>()));
      sources.push_back(std::move(line));
    }
    Json steps = Json::array();
    for (const Json& report : reports_)
      steps.push_back(
          {{"step", report.at("step")}, {"totals", report.at("totals")}, {"reasons", report.at("reasons")}});
    const Json ledger{{"caravan", CARAVAN_VERSION},
                      {"output", reports_.back().at("output")},
                      {"sources", sources},
                      {"steps", steps}};
    const std::string text = ledger.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
    data::write_whole_file((fs::path(recipe_.run.dir) / "ledger.json").string(), text, {true, {}});
    if (quiet_) return;
    std::fputs(shown_text(data::print_table(table)).c_str(), stderr);
    std::fprintf(stderr, "%s: %s rows, SHA-256 %s\n", shown_text(recipe_.out).c_str(),
                 data::grouped(reports_.back().at("totals").at("written").get<std::uint64_t>()).c_str(),
                 reports_.back().at("output").at("sha256").get<std::string>().c_str());
  }

  const DataRecipe& recipe_;
  bool quiet_;
  std::optional<trainer::RunLock> lock_;
  CurationSteps steps_;
  int num_steps_ = 0;
  std::vector<std::string> files_;  // what the next step reads
  std::vector<Json> reports_;       // one of each source, then one of each step
};

Json DataPipeline::amount_text(const data::MixAmount& amount) {
  DataSource source;
  source.amount = amount;
  Json text = Json::object();
  for (const FieldEntry& entry : list_fields(source)) text[entry.key] = entry.value;
  return text;
}

}  // namespace

int run_data_recipe(const ReadDataRecipe& read, bool quiet) {
  check_data_files(read);
  DataPipeline(read.recipe, quiet).run();
  return 0;
}

}  // namespace caravan::recipes
