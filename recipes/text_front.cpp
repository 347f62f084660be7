#include "recipes/text_front.h"

#include <chrono>
#include <ctime>
#include <filesystem>

#include "data/chat/checkpoint_template.h"

namespace caravan::recipes {

TextFront load_text_front(const std::string& model_dir, const std::string& tokenizer,
                          const std::string& chat_template, bool template_needed) {
  TextFront front;
  front.tokenizer = data::load_tokenizer(tokenizer.empty() ? model_dir : tokenizer);
  const bool own_folder = !tokenizer.empty() && std::filesystem::is_directory(tokenizer);
  const data::CheckpointTemplate checkpoint =
      data::read_checkpoint_template(own_folder ? tokenizer : model_dir);
  front.variables = checkpoint.variables;
  if (template_needed || chat_template != "auto" || checkpoint.source)
    front.chat_template.emplace(data::choose_template(chat_template, checkpoint));
  return front;
}

data::Date today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&now, &local);
  return {local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec};
}

}  // namespace caravan::recipes
