#include "data/readers/detect.h"

#include <algorithm>
#include <set>

#include "data/error.h"
#include "data/readers/pair_layouts.h"
#include "data/readers/row.h"
#include "data/readers/row_layouts.h"
#include "data/readers/row_source.h"

namespace caravan::data {
namespace {

constexpr const char* kLayoutKeys =
    "messages (messages), sharegpt (conversations), alpaca (instruction, output), prompt_completion (prompt, "
    "completion or "
    "response)";

struct Evidence {
  std::set<RowFormat> formats;
  std::set<std::string> keys;  // of the rows that fit no layout
  bool pairs = false;          // some row has the keys of a pair
  bool labels = false;         // some row has a verdict
  std::size_t rows = 0;        // that are objects
  bool any_row = false;        // that is not blank
};

void look_at(const JsonValue& row, Evidence& evidence) {
  ++evidence.rows;
  const std::vector<RowFormat> fits = formats_of(row);
  evidence.formats.insert(fits.begin(), fits.end());
  evidence.pairs |= fits_pair(row);
  evidence.labels |= fits_label(row);
  constexpr std::size_t kMaxKeys = 12;
  for (const JsonValue value : row) {
    if (fits.empty() && evidence.keys.size() < kMaxKeys) evidence.keys.insert(shorten(value.key()));
  }
}

Evidence gather(const std::string& path) {
  constexpr std::size_t kMaxRows = 100;
  const std::unique_ptr<RowSource> stream =
      open_rows(path, {.row_bytes = 16u << 20, .block_bytes = 1u << 20});
  RowBlock block;
  JsonRow json;
  Evidence evidence;
  if (!stream->next(block)) return evidence;
  for (std::size_t i = 0; i < std::min(block.rows.size(), kMaxRows); ++i) {
    evidence.any_row |= block.text(block.rows[i]).find_first_not_of(" \t\r\n") != std::string_view::npos;
    const bool sound = json.parse(block.text(block.rows[i])) == JsonRow::Status::kOk;
    if (sound && json.root().is(JsonValue::Type::kObject)) look_at(json.root(), evidence);
  }
  return evidence;
}

template <class Range, class Name>
std::string join(const Range& range, Name name) {
  std::string text;
  for (const auto& item : range) text += (text.empty() ? "" : ", ") + name(item);
  return text;
}

// Rows of pairs or verdicts where a stage wants them.
RowFormat detect_compared(const Evidence& evidence, RowKind kind, const std::string& where) {
  const bool pairs = kind == RowKind::kPair;
  if (pairs ? evidence.pairs : evidence.labels) return pairs ? RowFormat::kPreference : RowFormat::kLabelled;
  const char* wanted = pairs
                           ? "pairs (chosen and rejected: two lists of messages, or two answers to a prompt)"
                           : "answers with a verdict (label: true or false)";
  throw Error(
      Error::Kind::kData,
      where + "this stage trains on " + wanted +
          ", and none of the first rows is one; bring other layouts into it with caravan data convert");
}

}  // namespace

std::string format_name(RowFormat format) {
  return std::string(choice_names(RowFormat{}).at(static_cast<std::size_t>(format)));
}

RowFormat detect_format(const std::string& path, RowKind kind) {
  const Evidence evidence = gather(path);
  const std::string where = path + ": format: auto: ";
  const std::string remedy = "; write the format in data.sources";
  if (!evidence.any_row) throw Error(Error::Kind::kData, path + ": holds no row; name a file with rows");
  if (evidence.rows == 0) {
    throw Error(Error::Kind::kData, where +
                                        "none of the first rows is a JSON object; a row is one line, such as "
                                        "{\"messages\": [{\"role\": \"user\", \"content\": \"...\"}, ...]}");
  }
  if (kind != RowKind::kExample) return detect_compared(evidence, kind, where);
  if (evidence.formats.empty() && (evidence.pairs || evidence.labels)) {
    throw Error(Error::Kind::kData,
                where +
                    (evidence.pairs ? "the first rows are pairs (chosen and rejected)"
                                    : "the first rows are answers with a verdict (label)") +
                    ", and this stage trains on conversations; write stage: " +
                    (evidence.pairs ? "dpo" : "kto") + ", or name another file");
  }
  if (evidence.formats.empty()) {
    throw Error(Error::Kind::kData, where + "the first rows have the keys " +
                                        join(evidence.keys, [](const std::string& key) { return key; }) +
                                        ", which is no known layout; allowed are " + kLayoutKeys +
                                        "; other names become messages by caravan data convert --format "
                                        "columns --column prompt=KEY --column response=KEY");
  }
  if (evidence.formats.size() > 1) {
    throw Error(Error::Kind::kData, where + "the first rows fit more than one layout: " +
                                        join(evidence.formats, format_name) + remedy);
  }
  if (evidence.pairs || evidence.labels) {
    throw Error(Error::Kind::kData,
                where + "the first rows look like " + format_name(*evidence.formats.begin()) + " but carry " +
                    (evidence.pairs ? "chosen and rejected" : "label") +
                    ", so they are preference data and not all of them are examples to imitate" + remedy +
                    " to train on all of them nevertheless");
  }
  return *evidence.formats.begin();
}

}  // namespace caravan::data
