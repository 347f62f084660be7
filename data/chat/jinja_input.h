// The caller's JSON and conversations as template values, without copying their texts.
#pragma once

#include <string_view>

#include "data/chat/jinja_value.h"
#include "data/message.h"

namespace caravan::data::jinja {

// Values refer to the texts inside of `json`, which must outlive the render. Throws Fault for nesting deeper
// than 200 and integers beyond 64 bits.
Value from_json(Arena& arena, const Json& json, Origin origin);

// A list of messages: each knows its number, each byte of text its message. `json` may be anything: what is
// no list of objects is converted as it is.
Value messages_from_json(Arena& arena, const Json& json);
Value messages_from_conversation(Arena& arena, const Conversation& conversation);

// Variables whose texts are special tokens of the checkpoint: bos_token, eos_token, ... and
// additional_special_tokens.
bool is_token_variable(std::string_view name);
// Roles whose word may stand inside of a special token: "<|" + role + "|>".
bool is_known_role(std::string_view role);

}  // namespace caravan::data::jinja
