#include "recipes/commands/data_decontaminate.h"

#include <filesystem>
#include <optional>

#include "data/decontamination/eval_index_file.h"
#include "data/decontamination/read_eval_items.h"
#include "data/error.h"
#include "recipes/commands/decontaminate_run.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan data decontaminate IN... --eval NAME=FILE ... --out FILE --report DIR [options]\n"
    "\n"
    "Removes rows that give away evaluation items, and holds back those that a person should look at.\n"
    "  --eval NAME=FILE   items that must not be trained on; again for each set. NAME=FILE#FIELD names the "
    "field "
    "that holds\n"
    "                     the text, NAME=FILE#A+B joins two, NAME=FILE#1 is a column of a csv file without a "
    "header\n"
    "  --index FILE       sets that were saved with --save-index, instead of --eval\n"
    "  --save-index FILE  saves the sets of --eval for later runs\n"
    "  --measure NAME     weighted (default), cov8, cov8_last, cov8_nb, any13, jaccard, tf, tfidf\n"
    "  --scope SCOPE      all (default: every role and turn), user, assistant\n"
    "  --remove-from S    score from which a row is removed (0.90)\n"
    "  --review-from S    score from which a row is held back for review (0.60)\n"
    "  --apply-review F   the review.jsonl of an earlier run over the same rows, with its decisions: keep, "
    "drop, "
    "edit\n"
    "  --train FILE       the same as IN\n"
    "DIR gets report.json (per set: rows, items, worst matches), matches.jsonl (every such row with its "
    "items "
    "and spans),\n"
    "review.jsonl and review.html. data.require_clean of a training recipe names this report.\n";

template <class Choice>
std::vector<std::string_view> choices_of(Choice) {
  const auto names = choice_names(Choice{});
  return {names.begin(), names.end()};
}

template <class Choice>
void choose(const std::optional<std::string>& name, Choice& choice) {
  const auto names = choice_names(Choice{});
  for (std::size_t i = 0; name && i < names.size(); ++i) {
    if (names[i] == *name) choice = static_cast<Choice>(i);
  }
}

struct DecontaminateArgs {
  DecontaminateOptions options;
  std::vector<std::string> eval;
  std::string index, save_index;
  std::optional<std::string> measure, scope;
  std::optional<double> remove_from, review_from;
};

void add_flags(DataFlags& flags, DecontaminateArgs& args) {
  CommandFlags& own = flags.own();
  own.add_texts("--train", flags.inputs);
  own.add_texts("--eval", args.eval);
  own.add_text("--index", args.index);
  own.add_text("--save-index", args.save_index);
  own.add_choice("--measure", args.measure, choices_of(data::MeasureName{}));
  own.add_choice("--scope", args.scope, choices_of(data::SearchScope{}));
  own.add_number("--remove-from", args.remove_from, 0.05, 1.0);
  own.add_number("--review-from", args.review_from, 0.05, 1.0);
  own.add_text("--apply-review", args.options.review_path);
}

void check(const DataFlags& flags, CommandFlags& own, DecontaminateArgs& args) {
  DecontaminateOptions& options = args.options;
  choose(args.measure, options.measure);
  choose(args.scope, options.scope);
  options.remove_from = args.remove_from.value_or(options.remove_from);
  options.review_from = args.review_from.value_or(std::min(options.review_from, options.remove_from));
  if (flags.report.empty())
    own.refuse("--report DIR is needed: it gets the rows to review and the proof of what is clean");
  if (args.eval.empty() == args.index.empty())
    own.refuse("either --eval NAME=FILE or --index FILE is needed");
  if (!args.save_index.empty() && args.eval.empty())
    own.refuse("--save-index has a meaning only with --eval");
  if (options.review_from > options.remove_from) own.refuse("--review-from must not be above --remove-from");
}

// Files that are evaluated on and trained on at once are a mistake, not a contamination of every row.
void refuse_shared_files(const data::EvalItems& items, const std::vector<std::string>& inputs) {
  for (const data::EvalSet& set : items.sets) {
    for (const data::EvalFile& file : set.files) {
      for (const std::string& input : inputs) {
        std::error_code ignored;
        if (!std::filesystem::equivalent(file.path, input, ignored)) continue;
        throw data::Error(data::Error::Kind::kUsage, "data decontaminate: " + input +
                                                         " is the evaluation set " + set.name +
                                                         " and an input too; name it as one of them");
      }
    }
  }
}

data::EvalIndex make_index(const DecontaminateArgs& args) {
  if (!args.index.empty()) return data::read_index_file(args.index);
  std::vector<data::EvalSource> sources;
  for (const std::string& argument : args.eval) sources.push_back(data::parse_eval_source(argument));
  return data::EvalIndex(data::read_eval_items(sources));
}

}  // namespace

int run_data_decontaminate(std::span<const std::string> args) {
  DataFlags flags("data decontaminate", kUsage);
  DecontaminateArgs parsed;
  add_flags(flags, parsed);
  if (!flags.parse(args)) return 0;
  check(flags, flags.own(), parsed);
  const data::EvalIndex index = make_index(parsed);
  const data::ReviewedRows reviewed = parsed.options.review_path.empty()
                                          ? data::ReviewedRows()
                                          : data::ReviewedRows::read(parsed.options.review_path);
  const data::Json shown{{"measure", parsed.measure.value_or("weighted")},
                         {"scope", parsed.scope.value_or("all")},
                         {"remove_from", parsed.options.remove_from},
                         {"review_from", parsed.options.review_from},
                         {"apply_review", parsed.options.review_path}};
  DataRun run(flags, shown);
  refuse_shared_files(index.items(), run.inputs().files());
  if (!parsed.save_index.empty()) {
    data::write_whole_file(parsed.save_index, write_index(index), {flags.force, run.inputs().files()});
  }
  return run_decontaminate(run, flags, parsed.options, index, reviewed);
}

}  // namespace caravan::recipes
