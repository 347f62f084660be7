#include "recipes/commands/data_explain.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "data/bounded_json.h"
#include "data/error.h"
#include "data/readers/row_stream.h"
#include "recipes/command_flags.h"
#include "recipes/commands/tokenize_recipe.h"
#include "recipes/curation/row_story.h"
#include "recipes/shown_text.h"
#include "trainer/metrics/terminal.h"

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;
using data::Error;
using data::Json;

constexpr const char* kUsage =
    "caravan data explain FILE:LINE [--reports DIR ...] [--run DIR ...]\n"
    "caravan data explain ID --reports DIR\n"
    "\n"
    "Tells what became of one row in every step that left a report: from the file it came from, whichever "
    "file "
    "on its way is\n"
    "named, to the lines that hold it in the end. LINE is the number that reports give: of a line, of an "
    "element of an array, of\n"
    "a row of Parquet.\n"
    "  --reports DIR  where reports lie, also below; default: the folder of FILE\n"
    "  --run DIR      a run of a data recipe, or one that trained: then also the row's tokens, trained ones "
    "marked\n";

struct Asked {
  std::vector<std::string> words, reports, runs;
};

// Nothing where the word is an id.
std::optional<RowPlace> place_in(const std::string& word) {
  constexpr std::size_t kMaxDigits = 18;
  const std::size_t colon = word.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  const std::string number = word.substr(colon + 1);
  const bool digits = !number.empty() && number.size() <= kMaxDigits &&
                      number.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || !fs::exists(word.substr(0, colon))) return std::nullopt;
  return RowPlace{fs::weakly_canonical(word.substr(0, colon)).string(), std::stoull(number)};
}

bool has_trained(const std::string& run) {
  return fs::is_regular_file(run + "/data/ledger.jsonl") && fs::is_regular_file(run + "/recipe.yaml");
}

// What training made of a row: its line of the run's ledger, then its tokens. False where the run did not
// read the file.
bool tell_training(const std::string& run, const RowPlace& place) {
  const std::string word = "\"" + data::row_word(place.file) + "\":" + std::to_string(place.line) + ",";
  std::ifstream ledger(run + "/data/ledger.jsonl", std::ios::binary);
  if (!ledger) throw Error(Error::Kind::kInputOutput, run + "/data/ledger.jsonl: cannot be read");
  for (std::string line; std::getline(ledger, line);) {
    if (line.find(word) == std::string::npos) continue;
    const Json fate = data::parse_bounded_json(line);
    if (!fate.is_object() || !fate.contains("file") || !fate["file"].is_string()) continue;
    if (fs::weakly_canonical(fate["file"].get<std::string>()).string() != place.file) continue;
    std::string text = place.file + ":" + std::to_string(place.line) + "\n  training:";
    for (const auto& [key, value] : fate.items()) {
      if (key != "file" && key != "line" && key != "element" && key != "row")
        text += " " + key + " " + (value.is_string() ? value.get<std::string>() : value.dump()) + ",";
    }
    text.back() = '\n';
    std::cout << shown_text(text + "  (" + run + ")\n");
    RecipeRows rows{.recipe = run + "/recipe.yaml",
                    .show = true,
                    .color = trainer::detect_terminal(STDOUT_FILENO, false).color};
    rows.only_file = place.file;
    rows.only_line = place.line;
    tokenize_recipe_rows(rows, std::cout);
    return true;
  }
  return false;
}

}  // namespace

int run_data_explain(std::span<const std::string> args) {
  Asked asked;
  CommandFlags flags("data explain", kUsage);
  flags.add_words(asked.words);
  flags.add_texts("--reports", asked.reports);
  flags.add_texts("--run", asked.runs);
  if (!flags.parse(args)) return 0;
  if (asked.words.size() != 1) flags.refuse("one row is named: FILE:LINE or its id");
  const std::optional<RowPlace> place = place_in(asked.words[0]);
  std::vector<std::string> folders = asked.reports;
  folders.insert(folders.end(), asked.runs.begin(), asked.runs.end());
  if (folders.empty() && place) folders.push_back(fs::path(place->file).parent_path().string());
  if (folders.empty())
    flags.refuse("a row named by its id needs --reports DIR; a file, as in FILE:LINE, was not found");
  const RowStories stories(folders);
  std::vector<RowPlace> ends;
  if (!stories.empty()) {
    const auto steps = place ? stories.of_place(*place) : stories.of_id(asked.words[0]);
    std::cout << shown_text(story_text(steps));
    ends = RowStories::ends_of(steps);
  } else if (place) {
    ends = {*place};
  }
  bool told = !stories.empty();
  for (const std::string& run : asked.runs) {
    if (!has_trained(run)) continue;
    for (const RowPlace& end : ends) {
      if (tell_training(run, end)) {
        told = true;
        break;  // copies of a row have the same tokens
      }
    }
  }
  std::cout.flush();
  if (!told)
    throw Error(Error::Kind::kData, asked.words[0] + ": no report lies in " + folders.front() +
                                        " or below, and no run read the row; name --reports or --run");
  return 0;
}

}  // namespace caravan::recipes
