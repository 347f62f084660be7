#include "recipes/commands/convert_run.h"

#include <cstdio>
#include <map>
#include <set>

#include "data/converters/convert_rows.h"
#include "data/converters/converter_table.h"
#include "data/converters/detect_layout.h"
#include "data/error.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::ConvertPlan;
using data::Error;
using data::Json;

// The name without folders and what its ending says of the format.
std::string stem_of(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  for (const std::string_view ending :
       {".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"}) {
    if (name.ends_with(ending) && name.size() > ending.size()) name.resize(name.size() - ending.size());
  }
  return name;
}

ConvertPlan plan_of(const std::vector<std::string>& files, const ConvertRequest& asked) {
  ConvertPlan plan;
  plan.options = asked.options;
  plan.keep_fields = asked.keep_fields;
  std::set<std::string> sources;
  for (const std::string& file : files) {
    const bool once = !data::RowInputs({file}).rereadable();
    if (asked.format == "auto" && once)
      throw Error(Error::Kind::kUsage,
                  file + ": can be read once, so its layout cannot be looked for; name it with --format");
    const data::Converter& converter =
        asked.format == "auto" ? data::detect_layout(file) : data::converter_named(asked.format);
    std::string source = asked.source;
    if (source.empty())
      source = data::is_shared_by_many(converter) && !once ? stem_of(file) : std::string(converter.name);
    sources.insert(source);
    plan.files.push_back({&converter, std::move(source)});
  }
  plan.count_by_file = sources.size() == plan.files.size();
  for (const data::FileConversion& file : plan.files) {
    const bool grouped = plan.files[0].converter->group != nullptr || file.converter->group != nullptr;
    if (grouped && file.converter != plan.files[0].converter)
      throw Error(Error::Kind::kUsage,
                  "convert: " + std::string(plan.files[0].converter->name) + " and " +
                      std::string(file.converter->name) +
                      " cannot be converted together, one makes records of several rows; run it alone");
  }
  return plan;
}

Json plan_report(const ConvertPlan& plan, const std::vector<std::string>& files) {
  Json layouts = Json::array();
  for (std::size_t i = 0; i < files.size(); ++i)
    layouts.push_back(
        {{"file", files[i]}, {"layout", plan.files[i].converter->name}, {"source", plan.files[i].source}});
  return layouts;
}

class Convert {
 public:
  Convert(DataRun& run, const ConvertPlan& plan) : run_(run), plan_(plan), grouped_(plan) {}

  void walk() {
    const bool grouping = plan_.files[0].converter->group != nullptr;
    run_.walk().run<data::PendingBlock>(
        [this](const data::WalkBlock& block, data::JsonRow& json, data::PendingBlock& pending) {
          data::convert_block(block, plan_, json, pending);
        },
        [this, grouping](const data::WalkBlock&, data::PendingBlock& pending) {
          if (grouping) {
            grouped_.take(pending);
          } else {
            finish(pending);
          }
        });
    if (grouping) grouped_.finish([this](data::PendingBlock& pending) { finish(pending); });
  }
  const std::map<std::string, std::uint64_t>& left_out() const { return left_out_; }

 private:
  void finish(data::PendingBlock& pending) {
    fates_.clear(run_.details());
    ids_.finish(pending, fates_);
    run_.take(fates_);
    for (const auto& [name, turns] : pending.left_out) left_out_[name] += turns;
  }

  DataRun& run_;
  const ConvertPlan& plan_;
  data::GroupedRows grouped_;
  data::RecordIds ids_;
  data::BlockFates fates_;
  std::map<std::string, std::uint64_t> left_out_;
};

void tell(const std::string& text) {
  std::fputs(shown_text(text).c_str(), stderr);
}

}  // namespace

Json describe_convert(const ConvertRequest& asked) {
  const data::ConvertOptions& options = asked.options;
  return {{"format", asked.format},
          {"top_k", options.top_k},
          {"weights", options.weighted ? "nvidia" : "mean"},
          {"margin", options.margin},
          {"min_score", options.min_score ? Json(*options.min_score) : Json(nullptr)},
          {"random_seed", options.random_pick ? Json(*options.random_pick) : Json(nullptr)},
          {"source_filter", options.source_filter},
          {"subset", options.subset},
          {"repeat", options.repeat},
          {"keep_fields", asked.keep_fields},
          {"columns", asked.column_texts},
          {"dataset", options.dataset}};
}

int run_convert(const DataFlags& flags, const ConvertRequest& asked) {
  const std::vector<std::string> files = data::RowInputs(flags.inputs).files();
  const ConvertPlan plan = plan_of(files, asked);
  const Json layouts = plan_report(plan, files);
  if (!flags.quiet) {
    for (const Json& file : layouts)
      tell(file["file"].get<std::string>() + ": layout " + file["layout"].get<std::string>() + ", source " +
           file["source"].get<std::string>() + "\n");
  }
  DataRun run(flags, describe_convert(asked));
  Convert convert(run, plan);
  convert.walk();
  Json left_out = Json::object();
  for (const auto& [name, turns] : convert.left_out()) left_out[name] = turns;
  const int code = run.finish({{"layouts", layouts}, {"left_out_turn_fields", left_out}});
  if (!flags.quiet && !left_out.empty())
    tell("members of turns left out (--keep-fields keeps them): " + left_out.dump() + "\n");
  return code;
}

}  // namespace caravan::recipes
