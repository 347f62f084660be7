// Where each byte of rendered text came from: the template's own text, a variable, or a field of one message.
//
// A text is a list of runs. Runs of size 0 are marks: they stand between bytes, travel with the text through
// captures and macros, and say where a message of the conversation, or a {% generation %} block, begins and
// ends.
#pragma once

#include <cstdint>

namespace caravan::data::jinja {

using Origin = std::uint32_t;

// Written by the template itself, or a special-token variable of the checkpoint: special tokens may stand
// here.
inline constexpr Origin kTemplateOrigin = 0;
// A variable other than the messages (documents, ...): text of users.
inline constexpr Origin kVariableOrigin = 1;
// The schemas of `tools`: text of users, told apart to see whether the template writes them at all.
inline constexpr Origin kToolsOrigin = 2;
// Not one origin but several: the runs tell.
inline constexpr Origin kMixedOrigin = 0x7fffffff;
inline constexpr std::uint32_t kMaxMessages = 1u << 27;

// The role of message i, where the role is one of the well-known words; its tool calls; anything else of it.
constexpr Origin role_origin(std::uint32_t message) {
  return 4 + 4 * message;
}
constexpr Origin content_origin(std::uint32_t message) {
  return 5 + 4 * message;
}
constexpr Origin calls_origin(std::uint32_t message) {
  return 6 + 4 * message;
}

constexpr bool is_message(Origin origin) {
  return origin >= 4 && origin < kMixedOrigin;
}
constexpr bool is_role(Origin origin) {
  return is_message(origin) && origin % 4 == 0;
}
constexpr bool is_calls(Origin origin) {
  return is_message(origin) && origin % 4 == 2;
}
// Tool calls included: what the model is to say.
constexpr bool is_content(Origin origin) {
  return is_message(origin) && origin % 4 != 0;
}
constexpr std::uint32_t message_of(Origin origin) {
  return origin / 4 - 1;
}
// Special tokens may be recognised: a known role's word can complete a token ("<|" + role + "|>") but never
// hide one.
constexpr bool is_trusted(Origin origin) {
  return origin == kTemplateOrigin || is_role(origin);
}

enum class Mark : std::uint32_t {
  kNone = 0,
  kMessageBegin = 1u << 28,
  kMessageEnd = 2u << 28,
  kGenerationBegin = 3u << 28,
  kGenerationEnd = 4u << 28,
};
inline constexpr std::uint32_t kMarkMask = 7u << 28;

struct Run {
  std::uint32_t size = 0;  // bytes; 0 = a mark
  Origin origin = kTemplateOrigin;
};

constexpr Run make_mark(Mark mark, std::uint32_t message = 0) {
  return {0, static_cast<std::uint32_t>(mark) | message};
}
constexpr Mark mark_of(Run run) {
  return run.size == 0 ? static_cast<Mark>(run.origin & kMarkMask) : Mark::kNone;
}
constexpr std::uint32_t mark_message(Run run) {
  return run.origin & ~kMarkMask;
}

}  // namespace caravan::data::jinja
