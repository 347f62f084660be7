#include "data/decontamination/read_eval_items.h"

#include <algorithm>
#include <array>
#include <memory>

#include "data/error.h"
#include "data/readers/csv_rows.h"
#include "data/readers/file_list.h"
#include "data/readers/row.h"
#include "data/walk/row_messages.h"

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

constexpr std::array<std::string_view, 10> kTextFields = {
    "question", "prompt", "query", "problem", "instruction", "goal", "text", "input", "turns", "messages"};
constexpr std::array<std::string_view, 5> kIdFields = {"id", "eval_id", "question_id", "task_id", "key"};

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

std::string listed(const auto& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// The items of one file, in its order.
class ItemFile {
 public:
  ItemFile(std::string path, const EvalSource& source, std::uint32_t set, EvalItems& out)
      : path_(std::move(path)), field_(source.field), set_(set), out_(out) {}

  EvalFile read() {
    Sha256 hash;
    const auto rows = open(hash);
    RowBlock block;
    std::size_t num_items = 0;
    while (rows->next(block)) {
      for (const RowBlock::Row& row : block.rows) num_items += read_row(block.text(row), row);
    }
    if (num_items == 0) {
      throw Error(Error::Kind::kData, path_ +
                                          ": has no rows; an evaluation file without items protects "
                                          "nothing, name another file or leave it out");
    }
    return {path_, hash.hex()};
  }

 private:
  std::unique_ptr<RowSource> open(Sha256& hash) const {
    const ByteSourceOptions bytes{&hash, {}};
    if (!is_number(field_)) return open_rows(path_, {}, bytes);
    const RowFileKind kind = row_file_kind(path_);
    if (kind != RowFileKind::kCsv && kind != RowFileKind::kTsv) {
      throw Error(Error::Kind::kUsage,
                  path_ + ": #" + field_ +
                      " is a column of a csv or tsv file without a header; of other files "
                      "name a key of the rows, as in #question");
    }
    return std::make_unique<CsvRows>(path_, kind == RowFileKind::kCsv ? ',' : '\t', RowLimits{}, bytes,
                                     false);
  }

  [[noreturn]] void fail(const RowBlock::Row& row, const std::string& what) const {
    throw Error(Error::Kind::kData, path_ + ":" + std::to_string(row.line) + ": " + what);
  }

  bool read_row(std::string_view text, const RowBlock::Row& row) {
    const std::string_view problem = read_object(text, context_of(row, {}, 0), json_);
    if (problem == kBlankLine) return false;
    if (!problem.empty())
      fail(row, "the evaluation item cannot be read (" + std::string(problem) + "); mend the file");
    if (field_.empty()) choose_field(row);
    EvalItem item{set_, item_id(row), ""};
    for (std::size_t at = 0; at <= field_.size();) {
      const std::size_t end = std::min(field_.find('+', at), field_.size());
      append_field(row, field_.substr(at, end - at), item.text);
      at = end + 1;
    }
    out_.items.push_back(std::move(item));
    return true;
  }

  void choose_field(const RowBlock::Row& row) {
    std::vector<std::string_view> present;
    for (const std::string_view name : kTextFields) {
      if (json_.root().find(name)) present.push_back(name);
    }
    if (present.size() == 1) {
      field_ = present.front();
      return;
    }
    std::vector<std::string> keys;
    for (const JsonValue member : json_.root()) keys.push_back(member.key());
    const std::string found = present.empty() ? "no field that is known to hold a question"
                                              : "several such fields: " + listed(present);
    fail(row, "found " + found + "; name the one to protect, as in NAME=FILE#" +
                  (keys.empty() ? "FIELD" : keys.front()) + "; the row has " + listed(keys));
  }

  std::string item_id(const RowBlock::Row& row) const {
    for (const std::string_view name : kIdFields) {
      const auto value = json_.root().find(name);
      if (value && (value->is(Type::kString) || value->is(Type::kNumber))) return value->text();
    }
    return path_.substr(path_.rfind('/') + 1) + ":" + std::to_string(row.line);
  }

  void append_field(const RowBlock::Row& row, const std::string& name, std::string& text) {
    const auto value = json_.root().find(name);
    if (!value) fail(row, "the row has no field \"" + name + "\"");
    if (!text.empty()) text.push_back('\n');
    if (name == "messages") {
      read_listed_messages(json_.root(), TurnParts::kContent, messages_);
      for (const Message& message : messages_.messages) {
        if (message.role == "user") text += message.content + "\n";
      }
    } else if (value->is(Type::kString)) {
      value->append_text(text);
    } else if (value->is(Type::kArray)) {
      for (const JsonValue part : *value) {
        if (!part.is(Type::kString)) fail(row, "field \"" + name + "\" is a list of other things than texts");
        part.append_text(text);
        text.push_back('\n');
      }
    } else {
      fail(row, "field \"" + name + "\" is neither a text nor a list of texts");
    }
  }

  std::string path_, field_;
  std::uint32_t set_;
  EvalItems& out_;
  JsonRow json_;
  Conversation messages_;
};

std::uint32_t find_set(const std::string& name, EvalItems& items) {
  const auto found = std::ranges::find(items.sets, name, &EvalSet::name);
  const auto set = static_cast<std::uint32_t>(found - items.sets.begin());
  if (found == items.sets.end()) items.sets.push_back({name, {}});
  return set;
}

}  // namespace

EvalSource parse_eval_source(const std::string& argument) {
  const std::size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == argument.size()) {
    throw Error(Error::Kind::kUsage, "--eval: found \"" + argument +
                                         "\", allowed: NAME=FILE or NAME=FILE#FIELD, as in "
                                         "gsm8k=test.jsonl#question");
  }
  const std::size_t hash = argument.rfind('#');
  const bool has_field = hash != std::string::npos && hash > equals && hash + 1 < argument.size();
  EvalSource source{argument.substr(0, equals), argument.substr(equals + 1), ""};
  if (has_field) {
    source.path = argument.substr(equals + 1, hash - equals - 1);
    source.field = argument.substr(hash + 1);
  }
  return source;
}

EvalItems read_eval_items(const std::vector<EvalSource>& sources) {
  EvalItems items;
  for (const EvalSource& source : sources) {
    const std::uint32_t set = find_set(source.name, items);
    for (const std::string& path : list_files(source.path)) {
      EvalFile file = ItemFile(path, source, set, items).read();
      items.sets[set].files.push_back(std::move(file));
    }
  }
  return items;
}

}  // namespace caravan::data
