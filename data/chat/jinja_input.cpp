#include "data/chat/jinja_input.h"

#include <algorithm>
#include <array>
#include <string>

#include "data/chat/jinja_fault.h"

namespace caravan::data::jinja {

namespace {

constexpr int kMaxDepth = 200;

Value convert(Arena& arena, const Json& json, Origin origin, int depth);

Value convert_list(Arena& arena, const Json& json, Origin origin, int depth) {
  List* list = new_list(arena, json.size());
  for (const Json& item : json) append(arena, *list, convert(arena, item, origin, depth + 1));
  return make_list(list, Kind::kList, origin);
}

Value convert_dict(Arena& arena, const Json& json, Origin origin, int depth) {
  const auto& object = json.get_ref<const Json::object_t&>();
  Dict* dict = new_dict(arena, object.size());
  for (const auto& [key, value] : object) {
    append(arena, *dict, make_string(key, origin), convert(arena, value, origin, depth + 1));
  }
  return make_dict(dict, Kind::kDict, origin);
}

Value convert(Arena& arena, const Json& json, Origin origin, int depth) {
  if (depth > kMaxDepth) {
    throw Fault("the variables are nested more than " + std::to_string(kMaxDepth) + " deep",
                "flatten the row");
  }
  switch (json.type()) {
    case Json::value_t::string:
      return make_string(json.get_ref<const std::string&>(), origin);
    case Json::value_t::boolean:
      return make_bool(json.get<bool>());
    case Json::value_t::number_integer:
      return make_int(json.get<std::int64_t>(), origin);
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
        throw Fault("the integer " + json.dump() + " in the variables is beyond 64 bits",
                    "write it as a text");
      }
      return make_int(json.get<std::int64_t>(), origin);
    case Json::value_t::number_float:
      return make_float(json.get<double>(), origin);
    case Json::value_t::array:
      return convert_list(arena, json, origin, depth);
    case Json::value_t::object:
      return convert_dict(arena, json, origin, depth);
    default: {
      Value none = make_none();
      none.origin = origin;
      return none;
    }
  }
}

Value role_value(const std::string& role, std::uint32_t message) {
  return make_string(role, is_known_role(role) ? role_origin(message) : content_origin(message));
}

void check_count(std::size_t count) {
  if (count >= kMaxMessages)
    throw Fault("a conversation of more than " + std::to_string(kMaxMessages) + " messages");
}

}  // namespace

Value from_json(Arena& arena, const Json& json, Origin origin) {
  return convert(arena, json, origin, 0);
}

Value messages_from_json(Arena& arena, const Json& json) {
  if (!json.is_array()) return from_json(arena, json, kVariableOrigin);
  check_count(json.size());
  List* list = new_list(arena, json.size());
  std::uint32_t number = 0;
  for (const Json& item : json) {
    Value message = convert(arena, item, content_origin(number), 1);
    if (message.is(Kind::kDict)) {
      message.dict->message = number;
      const Json::const_iterator role = item.find("role");
      if (role != item.end() && role->is_string()) {
        *find(arena, *message.dict, "role") = role_value(role->get_ref<const std::string&>(), number);
      }
      const Json::const_iterator calls = item.find("tool_calls");
      if (calls != item.end())
        *find(arena, *message.dict, "tool_calls") = convert(arena, *calls, calls_origin(number), 2);
    }
    append(arena, *list, message);
    ++number;
  }
  return make_list(list, Kind::kList, kVariableOrigin);
}

Value messages_from_conversation(Arena& arena, const Conversation& conversation) {
  check_count(conversation.messages.size());
  List* list = new_list(arena, conversation.messages.size());
  std::uint32_t number = 0;
  for (const Message& message : conversation.messages) {
    Origin origin = content_origin(number);
    bool has_extra = message.extra.is_object();
    Dict* dict = new_dict(arena, 2 + (has_extra ? message.extra.size() : 0));
    dict->message = number;
    append(arena, *dict, make_string("role", origin), role_value(message.role, number));
    // A content that is no text, or none at all, stands among the extras.
    const bool other_content = has_extra && message.extra.contains("content");
    if (!other_content)
      append(arena, *dict, make_string("content", origin), make_string(message.content, origin));
    if (has_extra) {
      for (const auto& [key, value] : message.extra.get_ref<const Json::object_t&>()) {
        const Origin inner = key == "tool_calls" ? calls_origin(number) : origin;
        append(arena, *dict, make_string(key, origin), convert(arena, value, inner, 2));
      }
    }
    append(arena, *list, make_dict(dict, Kind::kDict, origin));
    ++number;
  }
  return make_list(list, Kind::kList, kVariableOrigin);
}

bool is_token_variable(std::string_view name) {
  return name.ends_with("_token") || name == "additional_special_tokens";
}

bool is_known_role(std::string_view role) {
  constexpr std::array<std::string_view, 20> kRoles = {
      "user",       "assistant",     "system",      "tool",         "function",    "developer",   "ipython",
      "model",      "human",         "gpt",         "bot",          "observation", "environment", "tool_call",
      "tool_calls", "tool_response", "tool_result", "tool_results", "context",     "document"};
  return std::find(kRoles.begin(), kRoles.end(), role) != kRoles.end();
}

}  // namespace caravan::data::jinja
