// What a converter of one public row layout is: a name, how its rows are known, and a function from a row to
// records. The table of all of them is converter_table.cpp.
//
// Goals: any object gives records or one reason why not; what is repaired or odd is noted. Non-goals:
// curation (filters), ids (convert_rows.h gives them).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/message.h"
#include "data/readers/row_layouts.h"

namespace caravan::data {

struct ConvertOptions {
  std::uint32_t top_k = 1;  // oasst: replies followed at each turn, best first
  bool weighted = false;    // helpsteer2: NVIDIA's weights instead of the mean of the five ratings
  double margin = 0;  // rated sets: chosen must be better than rejected by more than this, or by it if > 0
  std::optional<double> min_score = {};           // rated sets: of the chosen answer
  std::optional<std::uint64_t> random_pick = {};  // nectar, ultrafeedback: the reference's draw, by this seed
  bool source_filter = false;  // wildchat: drop what the set itself marks as toxic, redacted or not English
  std::string subset = {};     // wildchat, openmathinstruct: only this part
  std::uint32_t repeat = 1;    // each record this many times
  std::vector<std::pair<std::string, std::string>> columns = {};  // columns: role of a column, its name
  std::string dataset = {};  // columns: name of the verifier where a ground truth is mapped
};

// A record without its id and source. `messages` for examples to imitate and for verifiable prompts, `chosen`
// and `rejected` for preferences; `more` are further members (label, ground_truth, scores).
struct ConvertedRow {
  std::vector<Message> messages = {}, chosen = {}, rejected = {};
  Json tools = nullptr;
  Json more = nullptr;
  std::string id = {};  // where the layout has one of its own besides `id`
};

// What is asked of a converter and what it answers. Reused from row to row.
struct Conversion {
  const ConvertOptions& options;
  std::uint64_t row_number = 0;  // for draws
  std::vector<ConvertedRow> rows = {};
  RowNotes notes = {};
  ConvertedRow& add() { return rows.emplace_back(); }
};

// A row of a layout whose records are made of several rows: what of it is kept until all are read.
struct GroupedRow {
  Json fields;
};
// What became of a grouped row.
struct GroupVerdict {
  enum class Fate : std::uint8_t { kKept, kMerged, kDropped } fate = Fate::kDropped;
  std::string reason = {};                   // dropped
  std::vector<ConvertedRow> rows = {};       // kept: one at least
  std::optional<std::uint64_t> number = {};  // kept: takes the place of the row's number in its id
};

struct Converter {
  enum class Kind : std::uint8_t { kExamples, kPreferences, kVerifiable };
  std::string_view name;
  std::string_view refines;  // a layout that this one's rows fit too; this one is meant then
  Kind kind;
  std::string_view keys;  // for people: what a row has
  // Whether an object fits by its keys and their types. Null: never detected.
  bool (*fits)(const JsonValue& row);
  // Throws DropRow. Null for grouped layouts.
  void (*convert)(const JsonValue& row, Conversion& out);
  // Grouped layouts. `group` gives a verdict for each row that `read` gave.
  GroupedRow (*read)(const JsonValue& row, RowNotes& notes) = nullptr;
  std::vector<GroupVerdict> (*group)(const std::vector<GroupedRow>& rows,
                                     const ConvertOptions& options) = nullptr;
  std::uint32_t repeat = 1;  // as ConvertOptions::repeat where that is not given
};

// Tests of keys, for `fits`.
bool has_text(const JsonValue& row, std::string_view key);
bool has_array(const JsonValue& row, std::string_view key);
bool has_key(const JsonValue& row, std::string_view key);

// Parts that converters share.
// The text of a key; drops with missing_field, empty_content, or wrong_type:NAME.
std::string text_of(const JsonValue& row, std::string_view key, std::string_view name, RowNotes& notes);
Message turn(std::string role, std::string content);
std::vector<Message> exchange(std::string prompt, std::string answer);
JsonValue need_array(const JsonValue& row, std::string_view key);
double need_number(const JsonValue& row, std::string_view key);
// Without white space at both ends, by Unicode's list.
std::string_view stripped(std::string_view utf8);
// Drops where both are equal, notes where they differ before the last turn.
void check_pair(const ConvertedRow& pair, RowNotes& notes);

}  // namespace caravan::data
