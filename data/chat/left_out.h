// What a row asks a template to write and the template does not: tool calls, and the schemas of tools.
//
// A template that knows no tools writes a turn of tool calls as an empty one, and a model trained on it would
// learn to say nothing. Private to the chat room.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "data/chat/jinja_origin.h"
#include "data/chat/template.h"

namespace caravan::data {

struct LeftOutInput {
  std::string_view text;
  std::span<const jinja::Run> runs;
  std::vector<const Json*>
      tool_calls;  // by message; null where it has none, and short where the rest has none
  bool has_tools = false;
};

// Fills lost_calls and lost_tools. A message's calls are there where each function's name stands as often in
// what the template wrote of them as there are calls of it; names that JSON would escape are only looked for
// as any text of calls.
void find_left_out(const LeftOutInput& input, Rendered& rendered);

}  // namespace caravan::data
