#include "data/endpoint/endpoint_reply.h"

#include <algorithm>
#include <charconv>

#include "data/endpoint/hidden_key.h"
#include "data/readers/json_row.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxErrorBytes = 300;
constexpr std::int64_t kMaxTokens = 1'000'000'000;  // of one request; a larger number is a broken one

EndpointReply unreadable(std::string problem) {
  return {.problem = std::move(problem), .unreadable = true};
}

std::optional<std::int64_t> count_of(const JsonValue& usage, std::string_view key) {
  const auto value = usage.find(key);
  if (!value || !value->is(JsonValue::Type::kNumber)) return std::nullopt;
  const std::string digits = value->text();
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  const bool whole = error == std::errc() && end == digits.data() + digits.size();
  return whole && count >= 0 && count <= kMaxTokens ? std::optional(count) : std::nullopt;
}

std::optional<std::int64_t> tokens_of(const JsonValue& root) {
  const auto usage = root.find("usage");
  if (!usage) return std::nullopt;
  const auto prompt = count_of(*usage, "prompt_tokens");
  // A completion of no tokens may have no count.
  const auto completion = count_of(*usage, "completion_tokens");
  if (!prompt) return std::nullopt;
  return *prompt + completion.value_or(0);
}

bool holds_text(const std::optional<JsonValue>& value) {
  return value && value->is(JsonValue::Type::kString);
}

// The texts of a content that is a list of parts; others are no text.
bool append_parts(const JsonValue& parts, std::string& text) {
  for (const JsonValue part : parts) {
    const auto type = part.find("type");
    const auto piece = part.find("text");
    if (!type || !(type->equals("text") || type->equals("output_text")) || !holds_text(piece)) return false;
    piece->append_text(text);
  }
  return true;
}

EndpointReply read_choice(const JsonValue& choice, EndpointApi api) {
  EndpointReply reply;
  const auto finish = choice.find("finish_reason");
  reply.cut = finish && finish->equals("length");
  std::optional<JsonValue> text;
  if (api == EndpointApi::kChat) {
    const auto message = choice.find("message");
    if (!message || !message->is(JsonValue::Type::kObject)) return unreadable("wrong_schema:message");
    if (holds_text(message->find("refusal"))) return {.problem = "refused"};
    text = message->find("content");
  } else {
    text = choice.find("text");
  }
  if (finish && finish->equals("content_filter")) return {.problem = "content_filter"};
  if (holds_text(text)) {
    text->append_text(reply.text);
  } else if (!text || !text->is(JsonValue::Type::kArray) || !append_parts(*text, reply.text)) {
    return unreadable("wrong_schema:content");
  }
  return reply;
}

std::string one_line(std::string_view text) {
  std::size_t size = std::min(text.size(), kMaxErrorBytes);
  // Not half a character at the end; it has at most three bytes behind its first.
  for (int i = 0; i < 3 && size < text.size() && (text[size] & 0xC0) == 0x80; ++i) --size;
  std::string line;
  for (const char c : text.substr(0, size))
    line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return line;
}

}  // namespace

EndpointReply read_endpoint_reply(std::string_view body, EndpointApi api) {
  JsonRow json;
  if (json.parse(body) != JsonRow::Status::kOk) return unreadable("invalid_json");
  const JsonValue root = json.root();
  const auto choices = root.find("choices");
  if (!choices || !choices->is(JsonValue::Type::kArray) || choices->num_children() == 0)
    return unreadable("wrong_schema:choices");
  EndpointReply reply = read_choice(*choices->begin(), api);
  reply.tokens = tokens_of(root);
  return reply;
}

std::string endpoint_error_text(std::string_view body, std::string_view key) {
  JsonRow json;
  if (json.parse(body) == JsonRow::Status::kOk) {
    const auto error = json.root().find("error");
    const auto message = error && error->is(JsonValue::Type::kObject) ? error->find("message") : error;
    if (holds_text(message)) return one_line(blackened(message->text(), key));
  }
  return one_line(blackened(body, key));
}

}  // namespace caravan::data
