#include "data/converters/convert_rows.h"

#include <xxhash.h>

#include <algorithm>
#include <array>

#include "data/readers/json_text.h"

namespace caravan::data {
namespace {

// What a turn of a record may say besides role and content.
constexpr std::array<std::string_view, 4> kTurnFields{"tool_calls", "tool_call_id", "name",
                                                      "reasoning_content"};

class LineWriter {
 public:
  LineWriter(PendingBlock& out, bool keep_fields) : out_(out), keep_fields_(keep_fields) {}

  void write(const ConvertedRow& row, const std::string& source) {
    std::string& text = out_.text;
    text += ',';
    append_json_key(text, "source");
    append_json_string(text, source);
    if (row.chosen.empty()) {
      add_turns("messages", row.messages);
    } else {
      add_turns("chosen", row.chosen);
      add_turns("rejected", row.rejected);
    }
    if (!row.tools.is_null()) add_value("tools", row.tools);
    if (row.more.is_object()) {
      for (const auto& [name, value] : row.more.items()) add_value(name, value);
    }
    text += '}';
  }

 private:
  void add_value(std::string_view name, const Json& value) {
    out_.text += ',';
    append_json_key(out_.text, name);
    if (value.is_string()) {
      append_json_string(out_.text, value.get_ref<const std::string&>());
    } else {
      out_.text += value.dump();
    }
  }

  void add_turns(std::string_view name, const std::vector<Message>& turns) {
    std::string& text = out_.text;
    text += ',';
    append_json_key(text, name);
    text += '[';
    for (const Message& turn : turns) {
      if (&turn != turns.data()) text += ',';
      text += "{\"role\":";
      append_json_string(text, turn.role);
      text += ",\"content\":";
      append_json_string(text, turn.content);
      if (turn.extra.is_object()) add_extra(turn.extra);
      text += '}';
    }
    text += ']';
  }

  void add_extra(const Json& extra) {
    for (const auto& [name, value] : extra.items()) {
      const bool known = std::find(kTurnFields.begin(), kTurnFields.end(), name) != kTurnFields.end();
      constexpr std::size_t kMaxNames = 100;
      if (known || keep_fields_) {
        if (name != "role" && name != "content") add_value(name, value);
      } else if (out_.left_out.size() < kMaxNames || out_.left_out.contains(name)) {
        ++out_.left_out[name];
      }
    }
  }

  PendingBlock& out_;
  bool keep_fields_;
};

RowFate fate_of(const std::vector<std::string>& reasons) {
  const bool repaired = std::any_of(reasons.begin(), reasons.end(), [](const std::string& reason) {
    return reason.starts_with("repaired:");
  });
  return repaired ? RowFate::kRepaired : RowFate::kKept;
}

std::string own_id(const WalkRow& row) {
  std::string id = row.id();
  if (!id.empty()) return id;
  const std::optional<JsonValue> tree = row.root().find("message_tree_id");
  return tree && tree->is(JsonValue::Type::kString) ? tree->text() : std::string();
}

// Copies of each record, and one id for each. `base` is the row's own id or SOURCE_N.
void add_records(const std::vector<ConvertedRow>& rows, const std::string& base, std::uint32_t repeat,
                 const std::string& source, LineWriter& writer, PendingBlock& out, PendingRow& pending) {
  const std::size_t count = rows.size() * repeat;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t begin = out.text.size();
    writer.write(rows[i], source);
    for (std::uint32_t copy = 0; copy < repeat; ++copy) {
      std::string id = rows[i].id.empty() ? base : rows[i].id;
      if (count > 1) id += '.' + std::to_string(i * repeat + copy);
      pending.records.push_back({std::move(id), begin, out.text.size() - begin});
    }
  }
}

void finish_notes(const WalkRow& row, RowNotes& notes, PendingRow& pending) {
  if (row.context.byte_order_mark) notes.reasons.insert(notes.reasons.begin(), "repaired:byte_order_mark");
  if (notes.control_character) notes.reasons.emplace_back("warning:control_character");
  pending.reasons = std::move(notes.reasons);
  pending.fate = fate_of(pending.reasons);
}

std::uint32_t repeat_of(const Converter& converter, const ConvertOptions& options) {
  return options.repeat > 1 ? options.repeat : converter.repeat;
}

std::string numbered(const std::string& source, std::uint64_t number) {
  return source + '_' + std::to_string(number);
}

}  // namespace

void convert_block(const WalkBlock& block, const ConvertPlan& plan, JsonRow& json, PendingBlock& out) {
  out.rows.clear();
  out.text.clear();
  out.left_out.clear();
  const FileConversion& file = plan.files[block.file];
  const Converter& converter = *file.converter;
  LineWriter writer(out, plan.keep_fields);
  Conversion conversion{plan.options};
  for (std::size_t i = 0; i < block.size(); ++i) {
    PendingRow& pending = out.rows.emplace_back();
    WalkRow row = walk_row(block, i, json);
    pending.row = row;
    pending.row.json = nullptr;
    if (!row.sound()) {
      pending.fate = row.blank() ? RowFate::kIgnored : RowFate::kDropped;
      pending.reasons.emplace_back(row.problem);
      continue;
    }
    pending.id = row.id();
    conversion.row_number = row.number;
    conversion.rows.clear();
    conversion.notes = {};
    const std::string id = own_id(row);
    try {
      if (converter.read != nullptr) {
        pending.grouped = converter.read(row.root(), conversion.notes);
      } else {
        converter.convert(row.root(), conversion);
      }
    } catch (DropRow& drop) {
      pending.fate = RowFate::kDropped;
      pending.reasons.push_back(std::move(drop.reason));
      continue;
    }
    finish_notes(row, conversion.notes, pending);
    const std::uint64_t number = plan.count_by_file ? row.number - block.file_first_row : row.number;
    add_records(conversion.rows, id.empty() ? numbered(file.source, number) : id,
                repeat_of(converter, plan.options), file.source, writer, out, pending);
  }
}

// An id is claimed by its hash; two that only share the hash lose nothing but a number.
bool RecordIds::claim(std::string& id) {
  const auto insert = [this](const std::string& text) {
    return seen_.insert(XXH3_64bits(text.data(), text.size()));
  };
  if (insert(id)) return true;
  std::uint64_t& count = repeated_.try_emplace(id, 1).first->second;
  std::string next;
  do {
    next = id + '#' + std::to_string(++count);
  } while (!insert(next));
  id = std::move(next);
  return false;
}

void RecordIds::finish(PendingBlock& block, BlockFates& fates) {
  for (PendingRow& pending : block.rows) {
    if (pending.fate == RowFate::kMerged) {
      fates.merge(pending.row, std::move(pending.reasons));
    } else if (pending.records.empty()) {
      fates.drop(pending.row, pending.reasons.at(0));
      fates.set_fate(pending.fate);
    } else {
      made_.resize(pending.records.size());
      for (std::size_t i = 0; i < pending.records.size(); ++i) {
        PendingRow::Record& record = pending.records[i];
        if (!claim(record.id)) {
          pending.fate = RowFate::kRepaired;
          pending.reasons.emplace_back("repaired:duplicate_id");
        }
        std::string& text = made_[i].text;
        text.clear();
        text += "{\"id\":";
        append_json_string(text, record.id);
        made_[i].rest = std::string_view(block.text).substr(record.begin, record.length);
        made_[i].id = std::move(record.id);
      }
      fates.make(pending.row, made_, std::move(pending.reasons), pending.fate);
    }
    fates.describe(std::move(pending.id), pending.row.hash);
  }
}

void GroupedRows::take(PendingBlock& block) {
  for (PendingRow& pending : block.rows) {
    pending.row.hash = row_hash(pending.row.bytes);
    pending.row.bytes = {};
    rows_.push_back(std::move(pending));
  }
}

std::vector<GroupVerdict> GroupedRows::decide() const {
  std::vector<GroupedRow> grouped;
  for (const PendingRow& pending : rows_) {
    if (pending.grouped.fields.is_object()) grouped.push_back(pending.grouped);
  }
  return plan_.files.at(0).converter->group(grouped, plan_.options);
}

PendingBlock GroupedRows::settle(std::size_t first, std::size_t last, std::vector<GroupVerdict>& verdicts) {
  PendingBlock block;
  LineWriter writer(block, plan_.keep_fields);
  for (std::size_t i = first; i < last; ++i) {
    PendingRow pending = std::move(rows_[i]);
    if (pending.grouped.fields.is_object()) {
      GroupVerdict& verdict = verdicts[next_verdict_++];
      const FileConversion& file = plan_.files[pending.row.where.file];
      if (verdict.fate == GroupVerdict::Fate::kMerged) {
        pending.fate = RowFate::kMerged;
      } else if (verdict.fate == GroupVerdict::Fate::kDropped) {
        pending.fate = RowFate::kDropped;
        pending.reasons = {std::move(verdict.reason)};
      } else {
        const std::string base = numbered(file.source, verdict.number.value_or(pending.row.number));
        add_records(verdict.rows, base, repeat_of(*file.converter, plan_.options), file.source, writer, block,
                    pending);
      }
    }
    block.rows.push_back(std::move(pending));
  }
  return block;
}

}  // namespace caravan::data
