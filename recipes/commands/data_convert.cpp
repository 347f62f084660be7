#include "recipes/commands/data_convert.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <map>
#include <set>

#include "data/converters/convert_rows.h"
#include "data/converters/converter_table.h"
#include "data/converters/detect_layout.h"
#include "data/error.h"
#include "recipes/commands/data_run.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::ConvertOptions;
using data::ConvertPlan;
using data::Error;
using data::Json;

constexpr const char* kUsage =
    "caravan data convert IN... --out FILE [--format LAYOUT] [--report DIR]\n"
    "\n"
    "Writes one record a line: {\"id\", \"source\", \"messages\": [{\"role\", \"content\"}]}; preference "
    "sets have \"chosen\" and\n"
    "\"rejected\", sets with verifiable answers \"ground_truth\" and \"dataset\" besides. Rows that cannot "
    "be used are dropped, each\n"
    "with its reason.\n"
    "  --format LAYOUT  default: auto, by the keys of the first rows of each file\n"
    "  --list           the layouts and their keys, and nothing else\n"
    "  --source NAME    source of the records, and stem of the ids of rows without one; default: the layout, "
    "or the file's name\n"
    "                   for layouts that many sets share\n"
    "  --column USE=NAME  with --format columns; USE: prompt, response, input, system, id, ground_truth; "
    "again for each\n"
    "  --dataset NAME   the verifier of a mapped ground_truth\n"
    "  --top-k N        oasst: replies followed at each turn, best first (1)\n"
    "  --weights NAME   helpsteer2: mean (default) or nvidia\n"
    "  --margin N       rated sets: least difference of the scores of chosen and rejected\n"
    "  --min-score N    rated sets: least score of the chosen answer\n"
    "  --pick NAME      nectar, ultrafeedback: best-worst (default) or random, open-instruct's draw, by "
    "--seed\n"
    "  --seed N         of the draw (42)\n"
    "  --source-filter  wildchat: drop what the set marks as toxic, redacted or not English\n"
    "  --subset NAME    wildchat: gpt-4 or gpt-3.5; openmathinstruct: gsm8k or math\n"
    "  --repeat N       each record N times (hardcoded: 10)\n"
    "  --keep-fields    also members of turns that are no part of the record (weight, ...)\n";

constexpr std::array<std::string_view, 6> kColumnUses{"prompt", "response", "input",
                                                      "system", "id",       "ground_truth"};

struct ConvertFlags {
  std::string format = "auto", source, dataset, subset;
  std::vector<std::string> columns;
  std::optional<std::string> weights, pick;
  std::optional<std::int64_t> top_k, seed, repeat;
  std::optional<double> margin, min_score;
  bool source_filter = false, keep_fields = false;
};

void add_flags(CommandFlags& own, ConvertFlags& asked) {
  constexpr double kMostScore = 1e6;
  constexpr std::int64_t kMostReplies = 1000, kMostCopies = 10000;
  own.add_text("--format", asked.format);
  own.add_text("--source", asked.source);
  own.add_texts("--column", asked.columns);
  own.add_text("--dataset", asked.dataset);
  own.add_integer("--top-k", asked.top_k, 1, kMostReplies);
  own.add_choice("--weights", asked.weights, {"mean", "nvidia"});
  own.add_number("--margin", asked.margin, 0, kMostScore);
  own.add_number("--min-score", asked.min_score, -kMostScore, kMostScore);
  own.add_choice("--pick", asked.pick, {"best-worst", "random"});
  own.add_integer("--seed", asked.seed, 0, std::numeric_limits<std::int64_t>::max());
  own.add_switch("--source-filter", asked.source_filter);
  own.add_text("--subset", asked.subset);
  own.add_integer("--repeat", asked.repeat, 1, kMostCopies);
  own.add_switch("--keep-fields", asked.keep_fields);
}

void read_columns(CommandFlags& own, ConvertFlags& asked, ConvertOptions& options) {
  if (asked.columns.empty() && asked.format != "columns") return;
  if (asked.format == "auto") asked.format = "columns";
  if (asked.format != "columns") own.refuse("--column goes with --format columns");
  std::set<std::string> given;
  for (const std::string& text : asked.columns) {
    const std::size_t equals = text.find('=');
    const std::string use = text.substr(0, equals);
    const bool known = std::find(kColumnUses.begin(), kColumnUses.end(), use) != kColumnUses.end();
    if (!known || equals == std::string::npos || equals + 1 == text.size())
      own.refuse("--column: found \"" + text +
                 "\"; allowed: USE=NAME with USE one of prompt, response, input, system, id, ground_truth");
    given.insert(use);
    options.columns.emplace_back(use, text.substr(equals + 1));
  }
  if (!given.contains("prompt")) own.refuse("--column prompt=NAME is needed");
  if (!given.contains("response") && !given.contains("ground_truth"))
    own.refuse("--column response=NAME or ground_truth=NAME is needed");
  if (given.contains("ground_truth") != !asked.dataset.empty())
    own.refuse("--column ground_truth=NAME and --dataset NAME (its verifier) go together");
}

ConvertOptions options_of(CommandFlags& own, ConvertFlags& asked) {
  constexpr std::uint64_t kSeed = 42;
  ConvertOptions options;
  read_columns(own, asked, options);
  options.dataset = asked.dataset;
  options.subset = asked.subset;
  options.source_filter = asked.source_filter;
  options.top_k = static_cast<std::uint32_t>(asked.top_k.value_or(1));
  options.repeat = static_cast<std::uint32_t>(asked.repeat.value_or(1));
  options.weighted = asked.weights == "nvidia";
  options.margin = asked.margin.value_or(0);
  options.min_score = asked.min_score;
  if (asked.pick == "random") options.random_pick = static_cast<std::uint64_t>(asked.seed.value_or(kSeed));
  if (asked.seed && !options.random_pick) own.refuse("--seed goes with --pick random");
  return options;
}

// The name without folders and what its ending says of the format.
std::string stem_of(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  for (const std::string_view ending :
       {".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"}) {
    if (name.ends_with(ending) && name.size() > ending.size()) name.resize(name.size() - ending.size());
  }
  return name;
}

ConvertPlan plan_of(const std::vector<std::string>& files, const ConvertFlags& asked,
                    ConvertOptions options) {
  ConvertPlan plan;
  plan.options = std::move(options);
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

int run_data_convert(std::span<const std::string> args) {
  if (std::find(args.begin(), args.end(), "--list") != args.end()) {
    std::fputs(data::list_converters().c_str(), stdout);
    return 0;
  }
  DataFlags flags("data convert", kUsage);
  ConvertFlags asked;
  add_flags(flags.own(), asked);
  if (!flags.parse(args)) return 0;
  const ConvertOptions options = options_of(flags.own(), asked);
  const std::vector<std::string> files = data::RowInputs(flags.inputs).files();
  const ConvertPlan plan = plan_of(files, asked, options);
  const Json layouts = plan_report(plan, files);
  if (!flags.quiet) {
    for (const Json& file : layouts)
      tell(file["file"].get<std::string>() + ": layout " + file["layout"].get<std::string>() + ", source " +
           file["source"].get<std::string>() + "\n");
  }
  DataRun run(flags, {{"format", asked.format},
                      {"top_k", options.top_k},
                      {"weights", options.weighted ? "nvidia" : "mean"},
                      {"margin", options.margin},
                      {"min_score", options.min_score ? Json(*options.min_score) : Json(nullptr)},
                      {"random_seed", options.random_pick ? Json(*options.random_pick) : Json(nullptr)},
                      {"source_filter", options.source_filter},
                      {"subset", options.subset},
                      {"repeat", options.repeat},
                      {"keep_fields", asked.keep_fields},
                      {"columns", asked.columns},
                      {"dataset", options.dataset}});
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
