#include "recipes/commands/data_dedup.h"

#include <algorithm>
#include <optional>

#include "recipes/commands/dedup_run.h"
#include "recipes/flag_choices.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan data dedup IN... --out FILE [options]\n"
    "\n"
    "Drops rows that repeat another one. Rows that stay keep their bytes and their order.\n"
    "  --near             also rows whose runs of words are alike; default: only equal keys\n"
    "  --key KEY          what is compared: text (default: the words of all messages), text_with_roles, "
    "prompt "
    "(of the\n"
    "                     user), first_turn, raw (bytes of the messages). Case, punctuation, width and "
    "spaces "
    "count\n"
    "                     only for raw\n"
    "  --threshold T      with --near: Jaccard of the sets of word runs from which rows are duplicates "
    "(0.8)\n"
    "  --shingle-words N  with --near: words in a run (5)\n"
    "  --linkage NAME     with --near: connected (default: whoever is linked by a chain of pairs is one "
    "cluster) or\n"
    "                     greedy (a row is dropped where a row kept before it is like it)\n"
    "  --keep POLICY      which row of a cluster stays: first (default), longest, score, source; ties: "
    "first\n"
    "  --score-field KEY  with --keep score: a number of the row, the highest stays\n"
    "  --sources A,B,...  with --keep source: the row of the first of these sources stays\n"
    "With --report, DIR/clusters.jsonl lists every cluster, and fates.jsonl names the row kept for each one "
    "dropped.\n"
    "--near and --keep read the input more than once: files, not pipes.\n";

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

struct DedupArgs {
  DedupOptions options;
  std::optional<std::string> key, linkage, keep;
  std::optional<double> threshold;
  std::optional<std::int64_t> shingle_words;
  std::string sources;
};

void add_flags(CommandFlags& flags, DedupArgs& args) {
  flags.add_switch("--near", args.options.near);
  flags.add_choice("--key", args.key, choices_of<data::KeyKind>());
  flags.add_number("--threshold", args.threshold, 0.05, 1.0);
  flags.add_integer("--shingle-words", args.shingle_words, 1, 100);
  flags.add_choice("--linkage", args.linkage, choices_of<data::Linkage>());
  flags.add_choice("--keep", args.keep, choices_of<data::KeepPolicy>());
  flags.add_text("--score-field", args.options.score_field);
  flags.add_text("--sources", args.sources);
}

// What has no effect is refused.
void check(const CommandFlags& flags, DedupArgs& args) {
  DedupOptions& options = args.options;
  choose(args.key, options.search.key);
  choose(args.linkage, options.search.linkage);
  choose(args.keep, options.keep);
  options.search.threshold = args.threshold.value_or(options.search.threshold);
  options.search.shingle_words = static_cast<std::size_t>(args.shingle_words.value_or(5));
  if (!options.near && (args.threshold || args.shingle_words || args.linkage))
    flags.refuse("--threshold, --shingle-words and --linkage have a meaning only with --near");
  const bool wordless =
      options.search.key == data::KeyKind::kRaw || options.search.key == data::KeyKind::kTextWithRoles;
  if (options.near && wordless)
    flags.refuse("--near compares words: --key is text, prompt or first_turn, found " + *args.key);
  if (options.search.linkage == data::Linkage::kGreedy && options.keep != data::KeepPolicy::kFirst)
    flags.refuse("--linkage greedy keeps the first row of those that are alike; --keep " + *args.keep +
                 " goes with --linkage connected");
  if ((options.keep == data::KeepPolicy::kScore) == options.score_field.empty())
    flags.refuse("--keep score and --score-field KEY go together");
  if ((options.keep == data::KeepPolicy::kSource) == args.sources.empty())
    flags.refuse("--keep source and --sources A,B go together");
  if (!args.sources.empty()) options.sources = split_list(args.sources);
}

}  // namespace

int run_data_dedup(std::span<const std::string> args) {
  DataFlags flags("data dedup", kUsage);
  DedupArgs parsed;
  add_flags(flags.own(), parsed);
  if (!flags.parse(args)) return 0;
  check(flags.own(), parsed);
  DataRun run(flags, describe_dedup(parsed.options));
  return run_dedup(run, flags, parsed.options);
}

}  // namespace caravan::recipes
