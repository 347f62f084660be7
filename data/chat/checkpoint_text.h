// What a checkpoint directory says about text: its chat template and the names of its special tokens.
#pragma once

#include <optional>
#include <string>

#include "data/message.h"

namespace caravan::data {

struct CheckpointText {
  std::optional<std::string> chat_template;  // Jinja source; nothing where the directory has none
  std::string chat_template_file;            // where it was found
  Json variables = Json::object();           // bos_token, eos_token, pad_token, unk_token: those that are set
};

// Reads chat_template.jinja, else chat_template of tokenizer_config.json (of several the one named
// "default"), and the special tokens of tokenizer_config.json and special_tokens_map.json. Files that are
// absent are no error. Throws Error (65) for files that are not as Hugging Face writes them, naming file and
// key; Error (74) where they cannot be read.
CheckpointText read_checkpoint_text(const std::string& directory);

}  // namespace caravan::data
