// What a training record is: a conversation of messages, and where it came from.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace caravan::data {

// Key order is kept: templates print JSON in the order of the file.
using Json = nlohmann::ordered_json;

// One turn. `content` is UTF-8 text. Everything else the row said about the turn (tool_calls, name, thinking,
// ...) is kept in `extra`, an object or null; a content that is null or a list of parts stands there as
// extra["content"], and then `content` is empty.
struct Message {
  std::string role;
  std::string content;
  Json extra;
};

// Where a row was read, for messages to the user and for the ledger.
struct SourceLine {
  std::uint32_t file = 0;  // index into the list of files of the run
  std::uint64_t line = 0;  // counts from 1; for arrays, the element
};

struct Conversation {
  std::string id;
  std::string source;
  std::vector<Message> messages;
  Json tools;      // list of tool schemas or null
  Json variables;  // further template variables (bos_token, documents, ...): object or null
  SourceLine where;
};

}  // namespace caravan::data
