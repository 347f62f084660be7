// Who says what in a row of any published shape, for commands that search rows and pass them on as they are.
//
// Goals: no text of the conversation is overlooked; one look at the row, memory reused. Non-goals: judging
// the row, its layout (converters do): a text without a known role gets one by the name of its key.
#pragma once

#include <string>
#include <vector>

#include "data/message.h"
#include "data/readers/json_row.h"

namespace caravan::data {

// What of a turn is read beside its role.
enum class TurnParts : std::uint8_t {
  kContent,   // its content; of a list of parts their texts, one a line
  kAllTexts,  // behind it, a line each, the texts of its reasoning and of its tool calls
  kExtra,     // its content; further members become its `extra`
};

// Replaces `out.messages`, `id` and `source` by every text that a stage may train on, in the order of the
// row: the lists `messages`, `conversations`, `conversation`, and beside them `system`, `chosen`, `rejected`
// (texts, turns or lists of turns), `chosen_messages`, `rejected_messages` and `history`; where there is none
// of the three lists also the texts under instruction, input, question, problem, query, text, prompt (user)
// and output, completion, response, answer, solution (assistant). False where the row has none of these.
bool read_row_messages(const JsonValue& row, TurnParts parts, Conversation& out);

// The one conversation of a row: its list, with a `system` text before `conversations`; of a row without a
// list as read_row_messages.
bool read_listed_messages(const JsonValue& row, TurnParts parts, Conversation& out);

// The conversations of a row, contents alone: the one that read_listed_messages reads; of a row with a chosen
// and a rejected side two, each behind the prompt or the `conversations` (an answer that is a list and begins
// with the prompt's turns brings them itself). Resizes `sides`; false as read_row_messages.
bool read_row_sides(const JsonValue& row, std::vector<Conversation>& sides);

// What a row asks, for commands that ask it again: the list where it has one (with its system turn), of a
// pair the prompt and the chosen answer; of texts under keys one question (prompt, question, instruction with
// its input behind a blank line, problem, query, text, input: the first that there is) before the answers,
// whatever the order of the row. Replaces `out`. False, and no messages, where the row has none of these, or
// where a turn is more than its text: a tool call, an image, no role.
bool read_asked_messages(const JsonValue& row, Conversation& out);

}  // namespace caravan::data
