#include "recipes/serving/api_request.h"

#include <algorithm>

#include "data/readers/json_row.h"
#include "recipes/serving/api_error.h"

namespace caravan::recipes {
namespace {

using data::Json;

constexpr std::int64_t kMaxTop = 20;
constexpr std::size_t kMaxStops = 16, kLongestStop = 256;

[[noreturn]] void refuse(const std::string& field, const Json& found, const std::string& allowed) {
  const std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  throw ApiError(400, field + ": found " + (text.size() > 60 ? text.substr(0, 60) + "..." : text) +
                          "; allowed: " + allowed);
}

// Absent and null are the same.
const Json* find(const Json& body, const char* field) {
  const auto found = body.find(field);
  return found == body.end() || found->is_null() ? nullptr : &*found;
}

void read_number(const Json& body, const char* field, double low, double high, std::optional<double>& value) {
  const Json* found = find(body, field);
  if (found == nullptr) return;
  const std::string allowed = "a number from " + Json(low).dump() + " to " + Json(high).dump();
  if (!found->is_number()) refuse(field, *found, allowed);
  value = found->get<double>();
  if (!(*value >= low && *value <= high)) refuse(field, *found, allowed);
}

void read_integer(const Json& body, const char* field, std::int64_t low, std::int64_t high,
                  std::optional<std::int64_t>& value) {
  const Json* found = find(body, field);
  if (found == nullptr) return;
  const std::string allowed = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (!found->is_number_integer()) refuse(field, *found, allowed);
  const bool too_large = found->is_number_unsigned() && found->get<std::uint64_t>() > INT64_MAX;
  if (too_large || found->get<std::int64_t>() < low || found->get<std::int64_t>() > high)
    refuse(field, *found, allowed);
  value = found->get<std::int64_t>();
}

void read_stop(const Json& body, std::vector<std::string>& stop) {
  const Json* found = find(body, "stop");
  if (found == nullptr) return;
  const Json list = found->is_string() ? Json::array({*found}) : *found;
  const std::string allowed = "a text, or a list of up to " + std::to_string(kMaxStops) + " texts of 1 to " +
                              std::to_string(kLongestStop) + " bytes";
  if (!list.is_array() || list.size() > kMaxStops) refuse("stop", *found, allowed);
  for (const Json& text : list) {
    if (!text.is_string()) refuse("stop", *found, allowed);
    const auto& word = text.get_ref<const std::string&>();
    if (word.empty() || word.size() > kLongestStop) refuse("stop", text, allowed);
    stop.push_back(word);
  }
}

void refuse_unsupported(const Json& body) {
  if (read_flag(body, "stream", false)) refuse("stream", body["stream"], "false; answers come whole");
  for (const char* field : {"presence_penalty", "frequency_penalty"})
    if (const Json* found = find(body, field); found != nullptr && *found != 0)
      refuse(field, *found, "0; repetition_penalty is there");
  for (const char* field : {"tools", "functions", "response_format", "logit_bias", "suffix", "guided_json",
                            "guided_regex", "prompt_logprobs"})
    if (const Json* found = find(body, field); found != nullptr && !found->empty())
      refuse(field, *found, "leave it out; this server does not support it");
}

ApiSampling read_sampling(const Json& body) {
  refuse_unsupported(body);
  ApiSampling sampling;
  read_number(body, "temperature", 0.0, 1e6, sampling.temperature);
  read_number(body, "top_p", 1e-9, 1.0, sampling.top_p);
  read_number(body, "min_p", 0.0, 1.0, sampling.min_p);
  read_number(body, "repetition_penalty", 1e-6, 1e6, sampling.repetition_penalty);
  // -1 is what some servers write for all.
  read_integer(body, "top_k", -1, INT32_MAX, sampling.top_k);
  if (sampling.top_k) sampling.top_k = std::max<std::int64_t>(*sampling.top_k, 0);
  std::optional<std::int64_t> n, best_of, seed;
  read_integer(body, "n", 1, 128, n);
  sampling.n = n.value_or(1);
  read_integer(body, "best_of", 1, 128, best_of);
  if (best_of && *best_of != 1 && *best_of != sampling.n) refuse("best_of", *best_of, "the same as n");
  read_integer(body, "seed", INT64_MIN, INT64_MAX, seed);
  if (seed) sampling.seed = static_cast<std::uint64_t>(*seed);
  read_stop(body, sampling.stop);
  return sampling;
}

void read_model(const Json& body, std::string& model) {
  const Json* found = find(body, "model");
  if (found == nullptr) return;
  if (!found->is_string()) refuse("model", *found, "a name");
  model = found->get<std::string>();
}

void read_prompts(const Json& body, std::vector<ApiPrompt>& prompts) {
  const Json* found = find(body, "prompt");
  const std::string allowed = "a text, a list of texts, a list of token ids, or a list of such lists";
  if (found == nullptr) throw ApiError(400, "prompt: is missing; allowed: " + allowed);
  if (found->is_string()) {
    prompts.push_back({found->get<std::string>(), {}});
    return;
  }
  if (!found->is_array() || found->empty()) refuse("prompt", *found, allowed);
  if (found->front().is_number()) {
    prompts.push_back({std::nullopt, parse_ids(*found, "prompt")});
    return;
  }
  for (const Json& one : *found) {
    if (one.is_string())
      prompts.push_back({one.get<std::string>(), {}});
    else if (one.is_array())
      prompts.push_back({std::nullopt, parse_ids(one, "prompt")});
    else
      refuse("prompt", one, allowed);
  }
}

void check_messages(const Json& messages) {
  if (!messages.is_array() || messages.empty())
    refuse("messages", messages, "a list of messages {\"role\", \"content\"}");
  for (const Json& message : messages)
    if (!message.is_object() || !message.contains("role") || !message["role"].is_string() ||
        !message.contains("content") || !message["content"].is_string())
      refuse("messages", message, "messages {\"role\": text, \"content\": text}");
}

}  // namespace

bool read_flag(const Json& body, const char* field, bool otherwise) {
  const Json* found = find(body, field);
  if (found == nullptr) return otherwise;
  if (!found->is_boolean()) refuse(field, *found, "true or false");
  return found->get<bool>();
}

std::vector<std::int32_t> parse_ids(const Json& list, const std::string& field) {
  std::vector<std::int32_t> ids;
  if (!list.is_array()) refuse(field, list, "a list of token ids");
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > INT32_MAX)
      refuse(field, id, "token ids");
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

Json parse_body(std::string_view body) {
  data::JsonRow json;
  const bool is_json = json.parse(body) == data::JsonRow::Status::kOk;
  const auto value = is_json ? json.root().to_json() : std::nullopt;
  if (!value || !value->is_object())
    throw ApiError(400,
                   "the body is no JSON object that can be read; send one with Content-Type "
                   "application/json");
  return *value;
}

ApiRequest parse_completion_request(const Json& body) {
  ApiRequest request;
  read_model(body, request.model);
  read_prompts(body, request.prompts);
  request.echo = read_flag(body, "echo", false);
  request.add_special_tokens = read_flag(body, "add_special_tokens", true);
  request.sampling = read_sampling(body);
  read_integer(body, "max_tokens", request.echo ? 0 : 1, INT32_MAX, request.sampling.max_tokens);
  if (find(body, "logprobs") != nullptr && body["logprobs"].is_boolean())
    refuse("logprobs", body["logprobs"], "a number from 0 to " + std::to_string(kMaxTop));
  read_integer(body, "logprobs", 0, kMaxTop, request.sampling.logprobs);
  return request;
}

ApiRequest parse_chat_request(const Json& body) {
  ApiRequest request;
  read_model(body, request.model);
  if (find(body, "messages") == nullptr) throw ApiError(400, "messages: is missing; a chat has at least one");
  check_messages(body["messages"]);
  request.messages = body["messages"];
  request.sampling = read_sampling(body);
  read_integer(body, "max_tokens", 1, INT32_MAX, request.sampling.max_tokens);
  read_integer(body, "max_completion_tokens", 1, INT32_MAX, request.sampling.max_tokens);
  std::optional<std::int64_t> top;
  read_integer(body, "top_logprobs", 0, kMaxTop, top);
  if (read_flag(body, "logprobs", false))
    request.sampling.logprobs = top.value_or(0);
  else if (top)
    refuse("top_logprobs", *top, "together with logprobs: true");
  return request;
}

}  // namespace caravan::recipes
