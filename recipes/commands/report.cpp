#include "recipes/commands/report.h"

#include <cstdio>
#include <filesystem>
#include <vector>

#include "recipes/command_flags.h"
#include "recipes/report/report_page.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

constexpr const char* kUsage =
    "caravan report DIR [--out FILE.html]\n"
    "\n"
    "Writes what the folder of a run or of a pipeline tells as one page: curves of metrics.jsonl, what "
    "became "
    "of the rows,\n"
    "scores by stage with their intervals, decisions of gates, samples of the same items before and after, "
    "rollouts. The page\n"
    "opens from the disk, holds its charts as inline SVG, and needs neither network nor scripts. It stays "
    "below 5 MiB.\n"
    "  --out FILE.html   default: DIR/report.html; a report that is there is replaced\n"
    "Exit codes: 0 done, 2 usage or no run, 65 a damaged file, 74 files or disk, 77 --out is there and no "
    "page.\n";

}  // namespace

int run_report(std::span<const std::string> args) {
  std::vector<std::string> words;
  std::string out;
  CommandFlags flags("report", kUsage);
  flags.add_words(words);
  flags.add_text("--out", out);
  if (!flags.parse(args)) return 0;
  if (words.size() != 1) flags.refuse("the folder of one run or pipeline is named");
  if (out.empty()) out = (std::filesystem::path(words[0]) / "report.html").string();
  write_report(words[0], out);
  std::printf("%s\n", shown_text(out).c_str());
  return 0;
}

}  // namespace caravan::recipes
