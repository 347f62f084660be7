#include "recipes/commands/data_convert.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <set>

#include "data/converters/converter_table.h"
#include "recipes/commands/convert_run.h"

namespace caravan::recipes {
namespace {

using data::ConvertOptions;

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
  constexpr double kMaxScore = 1e6;
  constexpr std::int64_t kMaxReplies = 1000, kMaxCopies = 10000;
  own.add_text("--format", asked.format);
  own.add_text("--source", asked.source);
  own.add_texts("--column", asked.columns);
  own.add_text("--dataset", asked.dataset);
  own.add_integer("--top-k", asked.top_k, 1, kMaxReplies);
  own.add_choice("--weights", asked.weights, {"mean", "nvidia"});
  own.add_number("--margin", asked.margin, 0, kMaxScore);
  own.add_number("--min-score", asked.min_score, -kMaxScore, kMaxScore);
  own.add_choice("--pick", asked.pick, {"best-worst", "random"});
  own.add_integer("--seed", asked.seed, 0, std::numeric_limits<std::int64_t>::max());
  own.add_switch("--source-filter", asked.source_filter);
  own.add_text("--subset", asked.subset);
  own.add_integer("--repeat", asked.repeat, 1, kMaxCopies);
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
  return run_convert(flags, {.format = asked.format,
                             .source = asked.source,
                             .options = options,
                             .column_texts = asked.columns,
                             .keep_fields = asked.keep_fields});
}

}  // namespace caravan::recipes
