// The four row layouts, each a function from a row's object to messages. Private to the readers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/message.h"
#include "data/readers/json_row.h"

namespace caravan::data {

// Thrown inside the readers only: the row is dropped for this reason.
struct DropRow {
  std::string reason;
};

// What the layouts report about a row they keep.
struct RowNotes {
  std::vector<std::string> reasons;
  bool control_character = false;
};

void read_messages_row(const JsonValue& row, Conversation& out, RowNotes& notes);
void read_sharegpt_row(const JsonValue& row, Conversation& out, RowNotes& notes);
void read_alpaca_row(const JsonValue& row, Conversation& out, RowNotes& notes);
void read_prompt_completion_row(const JsonValue& row, Conversation& out, RowNotes& notes);

// The value of a key; drops the row with missing_field:KEY.
JsonValue need(const JsonValue& row, std::string_view key);
// Text that says something: drops with empty_content for null and blank, wrong_type:NAME for what is no
// string.
std::string need_text(const JsonValue& value, std::string_view name, RowNotes& notes);
// Text of a key that may be absent, null or blank: then empty. Drops with wrong_type:KEY for other types.
std::string optional_text(const JsonValue& row, std::string_view key, RowNotes& notes);
// Appends one ShareGPT turn: {"from", "value"}.
void append_sharegpt_turn(const JsonValue& turn, std::vector<Message>& out, RowNotes& notes);
// Appends one {"role", "content", ...} object.
void append_message(const JsonValue& value, std::vector<Message>& out, RowNotes& notes);
// The value kept as it stands; drops with number_out_of_range.
Json keep(const JsonValue& value);
// Template variables that rows carry by custom of the field: chat_template_kwargs, documents.
void read_variables(const JsonValue& row, Conversation& out);
// `tools` of the row, a list or the JSON text of one. Drops with bad_tools.
void read_tools(const JsonValue& row, Conversation& out);
// Parses JSON inside a string; nothing where it is broken.
std::optional<Json> parse_embedded(const std::string& text);
// [{"name", "arguments"}, ...] or one such object to the tool_calls form; drops with bad_tool_call.
Json tool_calls_from(const Json& calls);
// Order and number of roles: drops, cuts what follows the last assistant, and notes what is odd.
void check_roles(std::vector<Message>& messages, RowNotes& notes);

// At most 48 bytes of a text for use in a reason, cut between characters: ledgers stay small whatever rows
// hold.
std::string shorten(std::string text);
// Length in bytes of the white space character, by Unicode's list, that a text starts with; 0 where it starts
// with another.
std::size_t space_length(std::string_view text);
// Nothing but white space.
bool is_blank(std::string_view utf8);

}  // namespace caravan::data
