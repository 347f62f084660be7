#include "recipes/commands/data_mix.h"

#include <limits>
#include <optional>

#include "data/error.h"
#include "recipes/commands/mix_run.h"
#include "recipes/flag_choices.h"
#include "recipes/reader/field_values.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan data mix --source NAME=FILE ... --out FILE [options]\n"
    "\n"
    "Writes so many rows of each source to one file. The same sources and seed give the same bytes, and a "
    "source that is\n"
    "added or changed leaves the picks among the others as they were.\n"
    "  --source NAME=FILE   file or glob of rows; again for each source\n"
    "  --take NAME=HOW      \"50 %\" of the source's rows that can be read, rounded down, or \"500 rows\", "
    "exactly; default: all\n"
    "  --weight NAME=N      times each taken row is written; 2.5: twice, and half of them a third time (1)\n"
    "  --cap NAME=\"N rows\"  most rows of the mix from this source\n"
    "  --total N            rows of the mix, divided by the shares of the sources, exactly\n"
    "  --share NAME=N       with --total: parts of it; 3 and 1 are three quarters and one quarter\n"
    "  --max-repeat NAME=N  with --total: most times a row is written (1)\n"
    "  --semantics NAME     exact (default), open_instruct (its dataset_mixer_list) or "
    "open_instruct_get_datasets\n"
    "                       (its older helper): then --amount says how much\n"
    "  --amount NAME=N      as the reference writes it: with a point a proportion, without one a count\n"
    "  --order ORDER        sources (default: one behind the other) or shuffled\n"
    "  --seed N             of picks and order (42)\n"
    "  --plan               print the table of what would be written, and write nothing\n"
    "Rows without id or source get them: id NAME_NUMBER, source NAME. Files are read twice.\n";

// Sets the one field of a list that has the key.
struct FieldSetter {
  std::string_view key;
  YamlNode node;
  std::string problem = {};

  template <class T>
  void field(std::string_view name, T& member, const FieldSpec& spec) {
    if (name == key) problem = parse_value(node, spec, member);
  }
};

struct NamedValue {
  std::string name, value;
};

NamedValue split_named(const CommandFlags& own, const std::string& flag, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == text.size())
    own.refuse(flag + ": found \"" + text + "\"; allowed: NAME=VALUE");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

struct AmountFlag {
  const char* flag;
  const char* key;
  std::vector<std::string> values = {};
};

struct MixArgs {
  std::vector<std::string> sources;
  std::vector<AmountFlag> amounts{
      {"--take", "take"},   {"--weight", "weight"},         {"--cap", "cap"},
      {"--share", "share"}, {"--max-repeat", "max_repeat"}, {"--amount", "amount"}};
  std::optional<std::int64_t> total, seed;
  std::optional<std::string> semantics, order;
  MixRequest request;
};

void add_flags(DataFlags& flags, MixArgs& args) {
  CommandFlags& own = flags.own();
  own.add_texts("--source", args.sources);
  for (AmountFlag& amount : args.amounts) own.add_texts(amount.flag, amount.values);
  own.add_integer("--total", args.total, 1, std::numeric_limits<std::int64_t>::max());
  own.add_integer("--seed", args.seed, 0, std::numeric_limits<std::int64_t>::max());
  own.add_choice("--semantics", args.semantics, choices_of<data::MixSemantics>());
  own.add_choice("--order", args.order, choices_of<data::MixOrder>());
  own.add_switch("--plan", flags.nothing_to_write);
}

void set_amount(const CommandFlags& own, const AmountFlag& amount, const std::string& text,
                MixRequest& request) {
  const NamedValue named = split_named(own, amount.flag, text);
  for (data::MixPart& part : request.parts) {
    if (part.name != named.name) continue;
    FieldSetter setter{amount.key, {.kind = YamlNode::Kind::kScalar, .text = named.value}};
    part.amount.visit_fields(setter);
    if (!setter.problem.empty())
      own.refuse(std::string(amount.flag) + " " + named.name + ": " + setter.problem);
    return;
  }
  own.refuse(std::string(amount.flag) + ": no --source has the name " + named.name);
}

void fill_request(DataFlags& flags, MixArgs& args) {
  MixRequest& request = args.request;
  if (!flags.inputs.empty())
    flags.own().refuse("found " + flags.inputs[0] + "; inputs are named: --source NAME=" + flags.inputs[0]);
  for (const std::string& text : args.sources) {
    const NamedValue source = split_named(flags.own(), "--source", text);
    request.parts.push_back({source.name, {}});
    request.num_files.push_back(data::RowInputs({source.value}).files().size());
    flags.inputs.push_back(source.value);
  }
  for (const AmountFlag& amount : args.amounts) {
    for (const std::string& text : amount.values) set_amount(flags.own(), amount, text, request);
  }
  request.options.total = args.total;
  choose(args.semantics, request.options.semantics);
  choose(args.order, request.options.order);
  request.seed = static_cast<std::uint64_t>(args.seed.value_or(42));
  request.only_plan = flags.nothing_to_write;
  if (!request.only_plan) return;
  flags.out.clear();
  flags.report.clear();
}

}  // namespace

int run_data_mix(std::span<const std::string> args) {
  DataFlags flags("data mix", kUsage);
  MixArgs parsed;
  add_flags(flags, parsed);
  flags.fill_inputs = [&] { fill_request(flags, parsed); };
  if (!flags.parse(args)) return 0;
  check_mix(parsed.request.parts, parsed.request.options);
  DataRun run(flags, describe_mix(parsed.request));
  return run_mix(run, flags, parsed.request);
}

}  // namespace caravan::recipes
