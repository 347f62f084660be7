// How many held-out problems a model answers word for word, by kind, before and after training.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::data {

// A row of held_out.jsonl.
struct HeldOutRow {
  std::string kind;
  std::vector<Message> messages;  // the last is the right answer
  std::string ground_truth;
};

// Both throw data::Error: input/output where the file cannot be read, data with file:line where a row is not
// of the form.
std::vector<HeldOutRow> read_held_out(const std::filesystem::path& path);
// The "text" of every row of completions, in order.
std::vector<std::string> read_completions(const std::filesystem::path& path);

struct KindScore {
  std::string kind;  // "all" for the sum
  std::size_t rows = 0;
  std::size_t right_before = 0;
  std::size_t right_after = 0;
};

// Sorted by kind, the sum last. Throws data::Error (data) where the numbers of rows differ.
std::vector<KindScore> score_exact_match(std::span<const HeldOutRow> rows,
                                         std::span<const std::string> before,
                                         std::span<const std::string> after);

// The scores as a table, and up to `num_chats` held-out chats with both answers, the longest ones that went
// from wrong to right first.
std::string format_scores(std::span<const KindScore> scores);
std::string format_chats(std::span<const HeldOutRow> rows, std::span<const std::string> before,
                         std::span<const std::string> after, std::size_t num_chats);

}  // namespace caravan::data
