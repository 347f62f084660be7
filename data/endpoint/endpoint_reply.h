// What a server of the OpenAI API answered, read with distrust.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/endpoint/endpoint_options.h"

namespace caravan::data {

struct EndpointReply {
  std::string text = {};
  bool cut = false;  // finish_reason length
  std::string problem =
      {};  // "invalid_json", "wrong_schema:choices", "refused", "content_filter"; empty: none
  bool unreadable = false;                  // the problem is one of form: another attempt may give a reply
  std::optional<std::int64_t> tokens = {};  // usage: prompt and completion together
};

// Any bytes. Depth, keys and numbers are checked as those of rows are.
EndpointReply read_endpoint_reply(std::string_view body, EndpointApi api);

// error.message of the reply, else its first bytes: one line of at most 300 bytes of UTF-8, for people, with
// [key] where `key` stood.
std::string endpoint_error_text(std::string_view body, std::string_view key);

}  // namespace caravan::data
