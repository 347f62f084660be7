#include "recipes/row_messages.h"

#include <algorithm>
#include <vector>

#include "data/error.h"
#include "data/readers/detect.h"
#include "data/readers/row.h"

namespace caravan::recipes {
namespace {

using data::Json;
using data::RowFormat;

[[noreturn]] void refuse(const std::string& text) {
  throw data::Error(data::Error::Kind::kData, text);
}

RowFormat find_format(std::string_view line) {
  data::JsonRow json;
  if (json.parse(line) != data::JsonRow::Status::kOk) return RowFormat::kMessages;
  const std::vector<RowFormat> fits = data::formats_of(json.root());
  if (fits.empty()) return RowFormat::kMessages;
  if (fits.size() == 1) return fits[0];
  std::string names;
  for (const RowFormat format : fits) names += (names.empty() ? "" : ", ") + data::format_name(format);
  refuse("the row fits more than one layout: " + names + "; say which with --format");
}

Json message_of(const data::Message& message) {
  Json made{{"role", message.role}};
  if (!message.extra.is_object() || !message.extra.contains("content")) made["content"] = message.content;
  if (message.extra.is_object()) made.update(message.extra);
  return made;
}

}  // namespace

const char* const kRowFormatUsage =
    "  --format NAME             layout of the rows: auto (default), messages, sharegpt, alpaca, "
    "prompt_completion\n";

RowFormat row_format_from_name(const std::optional<std::string>& name) {
  const auto names = data::choice_names(RowFormat{});
  const auto found = std::find(names.begin(), names.end(), name.value_or("auto"));
  return static_cast<RowFormat>(found - names.begin());
}

bool turn_into_messages(std::string_view line, RowFormat format, std::span<const std::string_view> own,
                        Json& row) {
  const auto has = [&row](std::string_view key) { return row.contains(key); };
  if (format == RowFormat::kAuto)
    format = std::any_of(own.begin(), own.end(), has) ? RowFormat::kMessages : find_format(line);
  if (format == RowFormat::kMessages) return false;
  data::JsonRow json;
  data::Conversation conversation;
  const data::RowOutcome outcome = data::parse_row(line, format, {}, json, conversation);
  if (outcome.fate == data::RowFate::kDropped)
    refuse("as a row of the layout " + data::format_name(format) + ": " + outcome.reasons.at(0) +
           "; data/README.md explains the layouts and reasons");
  Json made = conversation.variables.is_object() ? conversation.variables : Json::object();
  made["messages"] = Json::array();
  for (const data::Message& message : conversation.messages) made["messages"].push_back(message_of(message));
  if (!conversation.tools.is_null()) made["tools"] = conversation.tools;
  row = std::move(made);
  return true;
}

}  // namespace caravan::recipes
