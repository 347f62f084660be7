// Finds the assistant turns of a rendered conversation from the origins of its bytes.
//
// A turn is what the model has to write: it starts where the prompt it would see at inference ends. The
// rules, in order:
//  1. {% generation %} blocks, where the template has them, are the turns.
//  2. Else the marks of the loop over the messages cut the text into one segment per message. Inside an
//  assistant's
//     segment, the turn starts behind the header: the longest beginning of the generation prompt that the
//     template wrote there. A prompt that is known to be empty makes the turn start where the segment does.
//  3. Where the header is absent (a tool's result was closed instead), behind the last special-looking token
//  that the
//     template wrote before the message's first byte.
//  4. The turn's end marker is the eos token if it stands behind the message's last byte, else the last
//  special-looking
//     token there that neither opens nor closes something inside the turn.
// What fits none of these is reported as unlocated, never guessed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/jinja_origin.h"
#include "data/chat/template.h"

namespace caravan::data {

struct TurnInput {
  std::string_view text;
  std::span<const jinja::Run> runs;
  std::span<const char> is_assistant;  // by message
  // What the template writes behind the last message to ask for an answer; absent where that is not known.
  std::optional<std::string> prompt;
  // Where the text of such a prompt begins in this render, if it is in it; npos otherwise.
  std::size_t prompt_begin = std::string_view::npos;
  std::string_view eos_token;
  bool has_generation = false;
};

// Fills turns, trusted, silent_messages and unlocated.
void find_turns(const TurnInput& input, Rendered& rendered);

// Where the segment of the last message ends; 0 where no message has one.
std::size_t end_of_last_segment(std::span<const jinja::Run> runs);

}  // namespace caravan::data
