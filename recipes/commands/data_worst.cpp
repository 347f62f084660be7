#include "recipes/commands/data_worst.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <optional>
#include <vector>

#include "data/bounded_json.h"
#include "data/error.h"
#include "data/message.h"
#include "recipes/command_flags.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::Json;

constexpr const char* kUsage =
    "caravan data worst RUN [--rows N]\n"
    "\n"
    "Lists the pairs that the model of a run on preferences (stage: dpo) got most wrong: by the lowest "
    "margin "
    "of the chosen over\n"
    "the rejected answer, as it stood when the row was last trained on. Many of them are labelled the wrong "
    "way round.\n"
    "  RUN       folder of the run; its margins.jsonl is read\n"
    "  --rows N  how many; default: 20\n";

struct Seen {
  double margin = 0.0;
  std::int64_t step = 0;
};

[[noreturn]] void refuse_line(const std::string& file, std::size_t line) {
  throw Error(Error::Kind::kData, file + ":" + std::to_string(line) +
                                      ": is no row of margins; allowed: {\"step\":N,\"rows\":[...],"
                                      "\"margins\":[...]}, as a run of stage dpo writes them");
}

// The last margin of each row.
std::map<std::string, Seen> read_margins(const std::string& file) {
  std::ifstream lines(file, std::ios::binary);
  if (!lines)
    throw Error(Error::Kind::kUsage, file +
                                         ": cannot be read; name the folder of a run of stage dpo that "
                                         "has done a step");
  std::map<std::string, Seen> seen;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    // Without a newline the run was writing it.
    if (lines.eof()) break;
    const Json row = data::parse_bounded_json(line);
    if (!row.is_object() || !row.contains("step") || !row["step"].is_number_integer() ||
        !row.contains("rows") || !row["rows"].is_array() || !row.contains("margins") ||
        !row["margins"].is_array() || row["rows"].size() != row["margins"].size())
      refuse_line(file, number);
    for (std::size_t i = 0; i < row["rows"].size(); ++i) {
      if (!row["rows"][i].is_string()) refuse_line(file, number);
      // A margin that is no number is worse than any.
      const Json& margin = row["margins"][i];
      seen[row["rows"][i].get<std::string>()] = {
          margin.is_number() ? margin.get<double>() : -std::numeric_limits<double>::infinity(),
          row["step"].get<std::int64_t>()};
    }
  }
  return seen;
}

}  // namespace

int run_data_worst(std::span<const std::string> args) {
  constexpr std::int64_t kRows = 20, kMaxRows = 1000000;
  std::vector<std::string> words;
  std::optional<std::int64_t> wanted;
  CommandFlags flags("data worst", kUsage);
  flags.add_words(words);
  flags.add_integer("--rows", wanted, 1, kMaxRows);
  if (!flags.parse(args)) return 0;
  if (words.size() != 1) flags.refuse("the folder of one run is named");
  const std::map<std::string, Seen> seen =
      read_margins((std::filesystem::path(words[0]) / "margins.jsonl").string());
  std::vector<std::pair<std::string, Seen>> rows(seen.begin(), seen.end());
  const auto count = std::min(rows.size(), static_cast<std::size_t>(wanted.value_or(kRows)));
  std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), rows.end(),
                    [](const auto& a, const auto& b) {
                      return a.second.margin != b.second.margin ? a.second.margin < b.second.margin
                                                                : a.first < b.first;
                    });
  const auto wrong =
      std::count_if(rows.begin(), rows.end(), [](const auto& row) { return !(row.second.margin > 0.0); });
  std::printf("%zu pairs, the margin of %td is not above 0\n%12s %8s  row\n", rows.size(), wrong, "margin",
              "step");
  for (std::size_t i = 0; i < count; ++i)
    std::printf("%12.4f %8lld  %s\n", rows[i].second.margin, static_cast<long long>(rows[i].second.step),
                shown_text(rows[i].first).c_str());
  return 0;
}

}  // namespace caravan::recipes
