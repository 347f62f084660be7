// Tokenizer and chat template of a model, as a recipe or a command names them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "data/chat/template.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::recipes {

struct TextFront {
  std::unique_ptr<data::Tokenizer> tokenizer;
  std::optional<data::ChatTemplate> chat_template;
  data::Json variables;  // special tokens by name, for the template
};

// `tokenizer`: file or directory, empty for `model_dir`. `chat_template`: "auto" for the checkpoint's own, a
// built-in name, or a file. With `template_needed` a model without one is an Error that lists the built-in
// names.
TextFront load_text_front(const std::string& model_dir, const std::string& tokenizer,
                          const std::string& chat_template, bool template_needed);

// The local date and time, for templates that print them.
data::Date today();

}  // namespace caravan::recipes
