#include "recipes/text_front.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/chat/checkpoint_text.h"
#include "data/error.h"

namespace caravan::recipes {

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw data::Error(data::Error::Kind::kInputOutput, path + ": the chat template cannot be read");
  return text.str();
}

}  // namespace

TextFront load_text_front(const std::string& model_dir, const std::string& tokenizer, const std::string& chat_template,
                          bool template_needed) {
  TextFront front;
  front.tokenizer = data::load_tokenizer(tokenizer.empty() ? model_dir : tokenizer);
  const std::string text_dir = !tokenizer.empty() && std::filesystem::is_directory(tokenizer) ? tokenizer : model_dir;
  data::CheckpointText text = data::read_checkpoint_text(text_dir);
  front.variables = std::move(text.variables);
  if (chat_template != "auto") {
    if (chat_template.find('/') != std::string::npos || chat_template.ends_with(".jinja"))
      front.chat_template.emplace(read_file(chat_template), chat_template);
    else
      throw data::Error(data::Error::Kind::kUsage, "data.chat_template: " + chat_template + " is no file");
  } else if (text.chat_template) {
    front.chat_template.emplace(*text.chat_template, text.chat_template_file);
  } else if (template_needed) {
    throw data::Error(data::Error::Kind::kData,
                      text_dir + ": the checkpoint has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); name "
                                 "one in data.chat_template");
  }
  return front;
}

}  // namespace caravan::recipes
