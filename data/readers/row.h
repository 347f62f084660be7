// One row of a file to a conversation, or the reason why not.
//
// Goals: any bytes give a fate, never a crash; a reason is a short code (`empty_content`,
// `unknown_role:alien`) that a ledger can count. What is repaired is reported as `repaired:...`, what looks
// odd but is used as it stands as `warning:...`. Non-goals: judging the text (curation), tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/message.h"
#include "data/readers/json_row.h"
#include "data/readers/row_source.h"
#include "data/source_options.h"

namespace caravan::data {

// kMerged: what is used of the row stands in a line that another row became (readers never say so).
enum class RowFate { kKept, kRepaired, kDropped, kIgnored, kMerged };

struct RowOutcome {
  RowFate fate = RowFate::kKept;
  // Dropped and ignored: the one reason. Kept: `warning:...`. Repaired: at least one `repaired:...`.
  std::vector<std::string> reasons;
};

// What the reader of the file knows about a row beyond its bytes.
struct RowContext {
  std::string_view source;  // becomes Conversation::source, and with the line its id where the row has none
  SourceLine where;
  bool byte_order_mark = false;   // one stood before the row and was taken off
  bool too_long = false;          // over the limit on rows; its bytes were not kept
  bool in_array = false;          // an element of an array: nothing between two commas is broken, not blank
  const char* problem = nullptr;  // RowBlock::Row::problem
};

inline RowContext context_of(const RowBlock::Row& row, std::string_view source, std::uint32_t file) {
  return {source, {file, row.line}, row.byte_order_mark, row.too_long, row.in_array, row.problem};
}

// The one reason that makes a row ignored and not dropped.
inline constexpr std::string_view kBlankLine = "blank_line";

// Why a row holds no JSON object that can be read: "invalid_json", "blank_line", ... Empty where `json` holds
// the object.
std::string_view read_object(std::string_view row, const RowContext& context, JsonRow& json);

// Fills `conversation` (where the fate is kept or repaired). `format` is one of the four layouts of examples.
// `json` is working memory, one per thread. Never throws for what the row holds.
RowOutcome parse_row(std::string_view row, RowFormat format, const RowContext& context, JsonRow& json,
                     Conversation& conversation);

// A row of any kind.
struct TrainingRow {
  Conversation conversation;  // of a pair: the chosen side
  Conversation rejected;      // of a pair
  bool label = false;         // of a labelled row: whether the answer is a good one
  // Of a pair: by how much the chosen answer is the better one, where the row says so.
  std::optional<float> margin;
};
// The same for every layout but auto. A pair whose sides are the same or answer different prompts is dropped.
RowOutcome parse_training_row(std::string_view row, RowFormat format, const RowContext& context,
                              JsonRow& json, TrainingRow& out);

// The layouts of examples an object fits by its keys and their types; used by format: auto.
std::vector<RowFormat> formats_of(const JsonValue& row);

}  // namespace caravan::data
