#include "data/chat/checkpoint_template.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "data/bounded_json.h"
#include "data/chat/builtin_templates.h"
#include "data/chat/jinja_input.h"
#include "data/error.h"

namespace caravan::data {

namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargestFile = 64u << 20;

std::string read_file(const fs::path& path) {
  std::error_code code;
  std::uintmax_t size = fs::file_size(path, code);
  if (code) throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read: " + code.message());
  if (size > kLargestFile) {
    throw Error(Error::Kind::kData, path.string() + ": " + std::to_string(size) + " bytes, at most " +
                                        std::to_string(kLargestFile) + " are allowed for this file");
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad() || text.size() != size)
    throw Error(Error::Kind::kInputOutput, path.string() + ": cannot be read to its end");
  return text;
}

// Null where the file does not exist.
Json read_json(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return nullptr;
  const std::string text = read_file(path);
  if (is_nested_deeper(text))
    throw Error(Error::Kind::kData, path.string() + ": nested deeper than " + std::to_string(kMaxJsonLevels) +
                                        " levels; no tokenizer needs such a file");
  if (has_crowded_object(text))
    throw Error(Error::Kind::kData, path.string() + ": an object of more than " +
                                        std::to_string(kMaxJsonMembers) +
                                        " members; no tokenizer needs such a file");
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw Error(Error::Kind::kData, path.string() + ": no valid JSON: " + error.what());
  }
}

// A token is written as text, or as an object with its text under "content".
void take_tokens(const Json& config, Json& variables) {
  if (!config.is_object()) return;
  for (const auto& [name, value] : config.items()) {
    if (!jinja::is_token_variable(name) || variables.contains(name)) continue;
    if (value.is_string()) variables[name] = value;
    if (value.is_object() && value.contains("content") && value["content"].is_string())
      variables[name] = value["content"];
    if (value.is_array()) variables[name] = value;
  }
}

// Several templates: a list of {"name", "template"}, or an object by name.
std::string default_of_many(const Json& many, const std::string& file) {
  std::string names;
  for (const auto& item : many.items()) {
    bool listed = many.is_array();
    if (listed &&
        !(item.value().is_object() && item.value().contains("name") && item.value().contains("template")))
      continue;
    const Json& name = listed ? item.value()["name"] : Json(item.key());
    const Json& text = listed ? item.value()["template"] : item.value();
    if (name == "default" && text.is_string()) return text.get<std::string>();
    names += (names.empty() ? "" : ", ") + name.dump();
  }
  throw Error(Error::Kind::kData,
              file + ": chat_template holds several templates (" + names +
                  ") and none is named \"default\"; write the one you mean to a file and name that");
}

bool take_template(const Json& config, const fs::path& file, CheckpointTemplate& result) {
  if (!config.is_object() || !config.contains("chat_template") || config["chat_template"].is_null())
    return false;
  const Json& found = config["chat_template"];
  result.name = file.string() + " chat_template";
  if (found.is_string()) {
    result.source = found.get<std::string>();
  } else if (found.is_array() || found.is_object()) {
    result.source = default_of_many(found, file.string());
  } else {
    throw Error(Error::Kind::kData, file.string() + ": chat_template is no text but " + found.type_name());
  }
  return true;
}

}  // namespace

CheckpointTemplate read_checkpoint_template(const std::string& directory) {
  fs::path folder(directory);
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error(Error::Kind::kInputOutput,
                directory + ": no such directory; name the folder of a checkpoint");
  }
  CheckpointTemplate result;
  Json config = read_json(folder / "tokenizer_config.json");
  take_tokens(config, result.variables);
  take_tokens(read_json(folder / "special_tokens_map.json"), result.variables);
  fs::path jinja_file = folder / "chat_template.jinja";
  if (fs::exists(jinja_file, ignored)) {
    result.source = read_file(jinja_file);
    result.name = jinja_file.string();
  } else if (!take_template(read_json(folder / "chat_template.json"), folder / "chat_template.json",
                            result)) {
    take_template(config, folder / "tokenizer_config.json", result);
  }
  return result;
}

ChatTemplate choose_template(const std::string& choice, const CheckpointTemplate& checkpoint) {
  if (choice == "auto") {
    if (checkpoint.source) return ChatTemplate(*checkpoint.source, checkpoint.name);
    std::string names;
    for (const BuiltinTemplate& builtin : builtin_templates()) names += " " + std::string(builtin.name);
    throw Error(
        Error::Kind::kUsage,
        "chat_template: auto, but the checkpoint has none; name a built-in one:" + names + ", or a file");
  }
  if (find_builtin_template(choice) != nullptr) return make_builtin_template(choice);
  std::error_code ignored;
  if (!fs::is_regular_file(choice, ignored)) {
    if (choice.find('/') != std::string::npos || choice.find('.') != std::string::npos) {
      throw Error(Error::Kind::kInputOutput,
                  choice + ": no such file; name a file of Jinja text, a built-in template or auto");
    }
    return make_builtin_template(choice);  // throws with the nearest name
  }
  return ChatTemplate(read_file(choice), choice);
}

}  // namespace caravan::data
