// Chat templates that come with the program, by name: for base checkpoints that have none.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/template.h"

namespace caravan::data {

struct BuiltinTemplate {
  std::string_view name;
  std::string_view about;   // one line: how a turn looks
  std::string_view source;  // Jinja
};

// tulu, llama3, chatml, mistral, zephyr, plain. All but tulu refuse tools: they have no form for them.
std::span<const BuiltinTemplate> builtin_templates();
// Null where no template has that name.
const BuiltinTemplate* find_builtin_template(std::string_view name);
// Throws data::Error (kUsage) with the nearest name and the list.
ChatTemplate make_builtin_template(std::string_view name);

}  // namespace caravan::data
