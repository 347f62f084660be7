// README.md of a released model: front matter as the Hugging Face hub reads it, then how to run the model,
// how it scores, how and from what it was made, and the hashes of its files. Free of LibTorch.
//
// The card is published, the machine it was made on is not: of paths their last part is told.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "recipes/release/release_recipe.h"
#include "recipes/report/run_story.h"

namespace caravan::recipes {

struct ProbeSummary {
  std::int64_t texts = 0, tokens = 0, answer_tokens = 0;
};

struct CardFacts {
  std::string title;
  std::string about;         // Markdown of the user's
  std::string architecture;  // of config.json
  std::string dtype;         // of the stored weights
  std::int64_t parameters = 0, positions = 0;
  bool has_template = false;
  std::vector<StageStory> stages;               // that led to the model, in their order
  std::vector<TaskScore> scores;                // of the release itself
  std::map<std::string, std::string> files;     // name -> "sha256:..."
  std::map<std::string, std::string> versions;  // of this program
  ProbeSummary probe;
  std::vector<std::string> command;
  std::string date;  // UTC
};

std::string model_card(const CardOptions& options, const CardFacts& facts);

// Folders of absolute paths cut off: "path: /home/me/rows.jsonl" as "path: rows.jsonl".
std::string without_folders(std::string_view text);

// One line of a table: what would end a cell or begin markup is escaped, control characters are '?'.
std::string markdown_cell(std::string_view text);

}  // namespace caravan::recipes
