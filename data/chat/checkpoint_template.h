// The chat template and the token variables that a checkpoint directory carries.
#pragma once

#include <optional>
#include <string>

#include "data/chat/template.h"

namespace caravan::data {

struct CheckpointTemplate {
  std::optional<std::string> source;  // absent: the checkpoint has no template
  std::string name;                   // file it was read from, for messages
  Json variables = Json::object();    // bos_token, eos_token, ...: texts
};

// Reads chat_template.jinja, chat_template.json, or tokenizer_config.json's chat_template (of several named
// ones, "default"); token variables from tokenizer_config.json and special_tokens_map.json. Throws
// data::Error: a directory that cannot be read (kInputOutput), a file that is malformed (kData).
CheckpointTemplate read_checkpoint_template(const std::string& directory);

// `choice`: "auto" = the checkpoint's own, a built-in's name, or a file of Jinja text. Throws data::Error
// where there is none, with what is there.
ChatTemplate choose_template(const std::string& choice, const CheckpointTemplate& checkpoint);

}  // namespace caravan::data
