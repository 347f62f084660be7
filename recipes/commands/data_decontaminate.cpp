#include "recipes/commands/data_decontaminate.h"

#include <filesystem>
#include <optional>

#include "data/decontamination/embedding_cosine.h"
#include "data/decontamination/eval_index_file.h"
#include "data/decontamination/read_eval_items.h"
#include "data/error.h"
#include "recipes/commands/decontaminate_run.h"
#include "recipes/commands/engine.h"
#include "recipes/flag_choices.h"

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
    "  --save-index FILE  saves the sets of --eval for later runs, with the vectors of --embedder\n"
    "  --measure NAME     weighted (default), cov8, cov8_last, cov8_nb, any13, jaccard, tf, tfidf, "
    "embedding\n"
    "  --embedder DIR     measure embedding: a checkpoint whose last hidden states, averaged, are a text's "
    "vector\n"
    "  --embedder-dtype T stored (default), fp32 or bf16; --embedder-device D: auto (default), cpu or cuda\n"
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

struct DecontaminateArgs {
  DecontaminateOptions options;
  std::vector<std::string> eval;
  std::string index, save_index;
  std::optional<std::string> measure, scope, embedder_dtype, embedder_device;
  EmbedderSource embedder;
  std::optional<double> remove_from, review_from;
};

void add_flags(DataFlags& flags, DecontaminateArgs& args) {
  CommandFlags& own = flags.own();
  own.add_texts("--train", flags.inputs);
  own.add_texts("--eval", args.eval);
  own.add_text("--index", args.index);
  own.add_text("--save-index", args.save_index);
  own.add_choice("--measure", args.measure, choices_of<data::MeasureName>());
  own.add_text("--embedder", args.embedder.embedder);
  own.add_choice("--embedder-dtype", args.embedder_dtype, choices_of<LocalDtype>());
  own.add_choice("--embedder-device", args.embedder_device, choices_of<trainer::DeviceChoice>());
  own.add_choice("--scope", args.scope, choices_of<data::SearchScope>());
  own.add_number("--remove-from", args.remove_from, 0.05, 1.0);
  own.add_number("--review-from", args.review_from, 0.05, 1.0);
  own.add_text("--apply-review", args.options.review_path);
}

void check(const DataFlags& flags, CommandFlags& own, DecontaminateArgs& args) {
  DecontaminateOptions& options = args.options;
  choose(args.measure, options.measure);
  choose(args.scope, options.scope);
  choose(args.embedder_dtype, args.embedder.embedder_dtype);
  choose(args.embedder_device, args.embedder.embedder_device);
  options.remove_from = args.remove_from.value_or(options.remove_from);
  options.review_from = args.review_from.value_or(std::min(options.review_from, options.remove_from));
  if (flags.report.empty())
    own.refuse("--report DIR is needed: it gets the rows to review and the proof of what is clean");
  if (args.eval.empty() == args.index.empty())
    own.refuse("either --eval NAME=FILE or --index FILE is needed");
  if (!args.save_index.empty() && args.eval.empty())
    own.refuse("--save-index has a meaning only with --eval");
  if ((options.measure == data::MeasureName::kEmbedding) == args.embedder.embedder.empty())
    own.refuse("--measure embedding and --embedder DIR go together; write both or none");
  if (args.embedder.embedder.empty() && (args.embedder_dtype || args.embedder_device))
    own.refuse("--embedder-dtype and --embedder-device have a meaning only with --embedder");
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

[[noreturn]] void become_engine_to_embed(std::span<const std::string> args) {
  std::vector<std::string> all{"data", "decontaminate"};
  all.insert(all.end(), args.begin(), args.end());
  become_engine(all);
}

// Of --eval alone; vectors that an index lacks are made when the search begins, and not saved.
void add_vectors(const DecontaminateArgs& args, data::EvalIndex& index) {
  if (args.options.embedder == nullptr || args.save_index.empty()) return;
  index.set_vectors(data::embed_items(index.items(), *args.options.embedder));
}

}  // namespace

int run_data_decontaminate(std::span<const std::string> args) {
  return run_data_decontaminate_with(args, nullptr);
}

int run_data_decontaminate_with(std::span<const std::string> args, MakeEmbedder make_embedder) {
  DataFlags flags("data decontaminate", kUsage);
  DecontaminateArgs parsed;
  add_flags(flags, parsed);
  if (!flags.parse(args)) return 0;
  check(flags, flags.own(), parsed);
  std::unique_ptr<data::TextEmbedder> embedder;
  if (!parsed.embedder.embedder.empty()) {
    if (make_embedder == nullptr) become_engine_to_embed(args);
    embedder = make_embedder(parsed.embedder);
    parsed.options.embedder = embedder.get();
  }
  data::EvalIndex index = make_index(parsed);
  const data::ReviewedRows reviewed = parsed.options.review_path.empty()
                                          ? data::ReviewedRows()
                                          : data::ReviewedRows::read(parsed.options.review_path);
  data::Json shown{{"measure", parsed.measure.value_or("weighted")},
                   {"scope", parsed.scope.value_or("all")},
                   {"remove_from", parsed.options.remove_from},
                   {"review_from", parsed.options.review_from},
                   {"apply_review", parsed.options.review_path}};
  if (embedder) shown["embedder"] = embedder->name();
  DataRun run(flags, shown);
  refuse_shared_files(index.items(), run.inputs().files());
  add_vectors(parsed, index);
  if (!parsed.save_index.empty()) {
    data::write_whole_file(parsed.save_index, write_index(index), {flags.force, run.inputs().files()});
  }
  return run_decontaminate(run, flags, parsed.options, index, reviewed);
}

}  // namespace caravan::recipes
