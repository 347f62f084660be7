#include "data/chat/checkpoint_text.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "data/error.h"

namespace caravan::data {

namespace fs = std::filesystem;

namespace {

constexpr std::uintmax_t kMostBytes = 64u << 20;

std::optional<std::string> read_if_there(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return std::nullopt;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error || size > kMostBytes)
    throw Error(
        Error::Kind::kData,
        path.string() + ": " +
            (error ? error.message() : std::to_string(size) + " bytes are more than the 64 MiB allowed"));
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read");
  return text.str();
}

std::optional<Json> read_json_if_there(const fs::path& path) {
  const auto text = read_if_there(path);
  if (!text) return std::nullopt;
  Json json = Json::parse(*text, nullptr, false);
  if (!json.is_object())
    throw Error(Error::Kind::kData,
                path.string() + ": is not a JSON object; copy the file of the released checkpoint again");
  return json;
}

// A token stands as text or as {"content": text}.
void take_tokens(const Json& json, const std::string& file, Json& variables) {
  for (const char* key : {"bos_token", "eos_token", "pad_token", "unk_token"}) {
    if (variables.contains(key) || !json.contains(key) || json[key].is_null()) continue;
    const Json& value = json[key];
    if (value.is_string())
      variables[key] = value;
    else if (value.is_object() && value.contains("content") && value["content"].is_string())
      variables[key] = value["content"];
    else
      throw Error(Error::Kind::kData, file + ": " + key + " is " + value.dump().substr(0, 80) +
                                          "; allowed are a text and {\"content\": text}");
  }
}

std::string template_of(const Json& value, const std::string& file) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array())
    for (const Json& entry : value)
      if (entry.is_object() && entry.value("name", "") == "default" && entry.contains("template") &&
          entry["template"].is_string())
        return entry["template"].get<std::string>();
  throw Error(Error::Kind::kData, file +
                                      ": chat_template is neither a text nor a list with a template named "
                                      "\"default\"; name a template in data.chat_template");
}

}  // namespace

CheckpointText read_checkpoint_text(const std::string& directory) {
  const fs::path folder(directory);
  CheckpointText text;
  if (auto source = read_if_there(folder / "chat_template.jinja")) {
    text.chat_template = std::move(source);
    text.chat_template_file = (folder / "chat_template.jinja").string();
  }
  const std::string config_file = (folder / "tokenizer_config.json").string();
  if (const auto config = read_json_if_there(config_file)) {
    take_tokens(*config, config_file, text.variables);
    if (!text.chat_template && config->contains("chat_template") && !(*config)["chat_template"].is_null()) {
      text.chat_template = template_of((*config)["chat_template"], config_file);
      text.chat_template_file = config_file;
    }
  }
  const std::string map_file = (folder / "special_tokens_map.json").string();
  if (const auto map = read_json_if_there(map_file)) take_tokens(*map, map_file, text.variables);
  return text;
}

}  // namespace caravan::data
