// A request body of the OpenAI API, read and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/message.h"

namespace caravan::recipes {

// What is there; nothing = the body does not say.
struct ApiSampling {
  std::optional<double> temperature, top_p, min_p, repetition_penalty;
  std::optional<std::int64_t> top_k, max_tokens;
  std::optional<std::uint64_t> seed;
  std::int64_t n = 1;
  std::vector<std::string> stop = {};
  std::optional<std::int64_t> logprobs;  // the so many likeliest tokens at each place
};

// A prompt is text or ids.
struct ApiPrompt {
  std::optional<std::string> text;
  std::vector<std::int32_t> ids;
};

struct ApiRequest {
  std::string model;
  std::vector<ApiPrompt> prompts;  // completions
  data::Json messages;             // chat
  bool echo = false;
  bool add_special_tokens = true;  // around text prompts
  ApiSampling sampling;
};

// The JSON object of a body. Throws ApiError (400): no JSON, no object, too deep.
data::Json parse_body(std::string_view body);
// Throw ApiError (400) naming the field, what was found and what is allowed. Fields that would change the
// answer and are not supported (stream, tools, penalties other than 0, ...) are refused; others are ignored.
ApiRequest parse_completion_request(const data::Json& body);
ApiRequest parse_chat_request(const data::Json& body);
// A field that is true or false.
bool read_flag(const data::Json& body, const char* field, bool otherwise);
// A list of token ids.
std::vector<std::int32_t> parse_ids(const data::Json& list, const std::string& field);

}  // namespace caravan::recipes
