#include "recipes/commands/demo_score.h"

#include <charconv>
#include <cstdio>

#include "data/demo/exact_match.h"
#include "data/error.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan demo-score --held-out FILE --before FILE --after FILE [--at-least PERCENT] [--chats N]\n"
    "\n"
    "Compares two files of completions (JSONL rows with \"text\", as `caravan generate` writes them for\n"
    "held_out_prompts.jsonl) with the right answers, word for word.\n"
    "  --at-least PERCENT   exit code 1 where fewer are right after training\n"
    "  --chats N            sample chats to show (2)\n";

[[noreturn]] void refuse(const std::string& text) {
  throw data::Error(data::Error::Kind::kUsage, "demo-score: " + text + "\n" + kUsage);
}

unsigned parse_number(const std::string& option, const std::string& text) {
  unsigned number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || number > 100) {
    refuse(option + ": found \"" + text + "\", allowed: a whole number from 0 to 100");
  }
  return number;
}

struct DemoScoreArgs {
  std::string held_out;
  std::string before;
  std::string after;
  unsigned at_least_percent = 0;
  unsigned chats = 2;
  bool help = false;
};

DemoScoreArgs parse_args(std::span<const std::string> args) {
  DemoScoreArgs parsed;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& option = args[i];
    if (option == "--help" || option == "-h") {
      parsed.help = true;
      return parsed;
    }
    std::string* const path = option == "--held-out" ? &parsed.held_out
                              : option == "--before" ? &parsed.before
                              : option == "--after"  ? &parsed.after
                                                     : nullptr;
    unsigned* const number = option == "--at-least" ? &parsed.at_least_percent
                             : option == "--chats"  ? &parsed.chats
                                                    : nullptr;
    if (path == nullptr && number == nullptr) refuse("found \"" + option + "\", which is no option");
    if (++i == args.size()) refuse(option + " needs a value");
    if (path != nullptr) *path = args[i];
    if (number != nullptr) *number = parse_number(option, args[i]);
  }
  if (parsed.held_out.empty() || parsed.before.empty() || parsed.after.empty())
    refuse("--held-out, --before and --after are needed");
  return parsed;
}

}  // namespace

int run_demo_score(std::span<const std::string> args) {
  const DemoScoreArgs parsed = parse_args(args);
  if (parsed.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const auto rows = data::read_held_out(parsed.held_out);
  const auto before = data::read_completions(parsed.before);
  const auto after = data::read_completions(parsed.after);
  const auto scores = data::score_exact_match(rows, before, after);
  std::printf("%s\n%s", data::format_scores(scores).c_str(),
              data::format_chats(rows, before, after, parsed.chats).c_str());
  const data::KindScore& all = scores.back();
  if (all.right_after * 100 >= std::size_t{parsed.at_least_percent} * all.rows) return 0;
  std::fprintf(stderr, "caravan: demo-score: %zu of %zu are right, asked for were at least %u %%\n",
               all.right_after, all.rows, parsed.at_least_percent);
  return 1;
}

}  // namespace caravan::recipes
