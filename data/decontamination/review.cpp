#include "data/decontamination/review.h"

#include <algorithm>
#include <array>

#include "data/error.h"
#include "data/readers/row.h"
#include "data/readers/row_source.h"
#include "data/sha256.h"

namespace caravan::data {
namespace {

constexpr std::array<std::string_view, 4> kDecisions = {"", "keep", "drop", "edit"};

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(Error::Kind::kData, where + ": " + what);
}

std::string text_of(const Json& line, const char* key, const std::string& where) {
  const auto value = line.find(key);
  if (value == line.end() || !value->is_string())
    fail(where, std::string("no review line: it has no text under \"") + key +
                    "\"; give back the review.jsonl that caravan data decontaminate wrote");
  return value->get<std::string>();
}

void check_messages(const Json& messages, const std::string& where) {
  bool good = messages.is_array() && !messages.empty();
  for (const Json& message : messages) {
    good = good && message.is_object() && message.contains("role") && message["role"].is_string() &&
           message.contains("content") && message["content"].is_string();
  }
  if (!good) fail(where, "edit: \"messages\" must be a list of objects with a text under role and content");
}

}  // namespace

Json messages_json(const Conversation& row) {
  Json messages = Json::array();
  for (const Message& message : row.messages)
    messages.push_back({{"role", message.role}, {"content", message.content}});
  return messages;
}

std::string review_line(const Finding& finding, const EvalItems& eval, std::string_view measure,
                        Decision decision) {
  const ItemScore& best = finding.items.front();
  const EvalItem& item = eval.items[best.item];
  const Json messages = messages_json(finding.row);
  return dump({{"decision", kDecisions[static_cast<std::size_t>(decision)]},
               {"score", best.score},
               {"measure", measure},
               {"set", eval.sets[item.set].name},
               {"item", item.id},
               {"eval_text", item.text},
               {"message", finding.message},
               {"messages", messages},
               {"file", finding.file},
               {"line", finding.where.line},
               {"id", finding.row.id},
               {"row_sha256", finding.row_sha256},
               {"messages_sha256", sha256_hex(dump(messages))}});
}

void ReviewedRows::add(const Json& line, const std::string& where) {
  const std::string decision = text_of(line, "decision", where);
  const auto found = std::ranges::find(kDecisions, decision);
  if (found == kDecisions.end())
    fail(where,
         "decision: found \"" + decision + "\", allowed: keep, drop, edit, or nothing to decide later");
  ReviewedRow row;
  row.decision = static_cast<Decision>(found - kDecisions.begin());
  row.where = where;
  row.messages = line.value("messages", Json());
  const bool changed = sha256_hex(dump(row.messages)) != text_of(line, "messages_sha256", where);
  if (changed && row.decision != Decision::kEdit)
    fail(where, "\"messages\" were changed and the decision is \"" + decision + "\"; write edit to use them");
  if (!changed && row.decision == Decision::kEdit)
    fail(where, "the decision is edit and \"messages\" are as they were; change them, or write keep or drop");
  if (row.decision == Decision::kEdit) check_messages(row.messages, where);
  const auto [place, is_new] = rows_.emplace(text_of(line, "row_sha256", where), row);
  if (!is_new && (place->second.decision != row.decision || place->second.messages != row.messages))
    fail(where, "decides otherwise on the row of " + place->second.where + ", which has the same bytes");
}

ReviewedRows ReviewedRows::read(const std::string& path) {
  ReviewedRows reviewed;
  const auto rows = open_rows(path);
  RowBlock block;
  JsonRow json;
  while (rows->next(block)) {
    for (const RowBlock::Row& row : block.rows) {
      const std::string where = path + ":" + std::to_string(row.line);
      const std::string_view problem = read_object(block.text(row), context_of(row, {}, 0), json);
      if (problem == kBlankLine) continue;
      const auto line = problem.empty() ? json.root().to_json() : std::nullopt;
      if (!line)
        fail(where,
             "no review line (" + std::string(problem.empty() ? "number_out_of_range" : problem) + ")");
      reviewed.add(*line, where);
    }
  }
  return reviewed;
}

}  // namespace caravan::data
