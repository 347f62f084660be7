#include "recipes/reader/field_reader.h"

#include <algorithm>

#include "recipes/nearest_name.h"
#include "recipes/reader/unknown_key.h"

namespace caravan::recipes {

FieldReader::FieldReader(YamlNode& map, std::string path, ReadState& state)
    : map_(map), path_(std::move(path)), state_(state) {}

std::string FieldReader::full_key(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
}

YamlNode* FieldReader::take(std::string_view key, const FieldSpec& spec, const std::string& allowed) {
  known_.push_back(key);
  YamlNode::Entry* found = nullptr;
  for (YamlNode::Entry& entry : map_.entries) {
    if (entry.key != key) continue;
    if (found != nullptr) {
      state_.report(entry.where,
                    full_key(key) + " is given twice, first at " + found->where.text() + "; keep one");
    }
    found = found == nullptr ? &entry : found;
  }
  if (found == nullptr) {
    if (spec.required) {
      const std::string shown = allowed.empty() ? std::string() : "; allowed: " + allowed;
      missing_.push_back({key, full_key(key) + " is missing: " + std::string(spec.help) + shown});
      state_.failed.insert(full_key(key));
    }
    return nullptr;
  }
  const Where& value_where = found->value.where;
  const bool absent = found->value.kind == YamlNode::Kind::kNull;
  if (!absent) state_.given[full_key(key)] = value_where.on_command_line ? value_where : found->where;
  return &found->value;
}

bool FieldReader::expect(std::string_view key, const YamlNode& node, YamlNode::Kind kind) {
  if (node.kind == kind) return true;
  const bool map = kind == YamlNode::Kind::kMap;
  reject(key, node,
         "found " + found_text(node) + "; allowed: " +
             (map ? "keys and values, as in {KEY: VALUE, KEY: VALUE}"
                  : "a list, as in [{KEY: VALUE}, {KEY: VALUE}]"));
  return false;
}

void FieldReader::reject(std::string_view key, const YamlNode& node, const std::string& text) {
  state_.report(node.where, (node.label.empty() ? full_key(key) : node.label) + ": " + text);
  state_.failed.insert(full_key(key));
}

std::string FieldReader::absolute_path(std::string_view key, const YamlNode& node, const FieldSpec& spec,
                                       std::string written) {
  const bool is_file =
      written.find('/') != std::string::npos || written.ends_with(".jinja") || written.ends_with(".yaml");
  if (!spec.path && !spec.output_path && !(spec.path_or_name && is_file)) return written;
  if (written.starts_with("~/") || written == "~") {
    reject(key, node, "found \"" + written + "\"; ~ is not expanded in a recipe: write the whole path");
    return written;
  }
  const bool from_here = spec.output_path || node.where.on_command_line;
  const std::filesystem::path folder = from_here ? std::filesystem::current_path() : state_.file_folder;
  std::string path = (folder / written).lexically_normal().string();
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

void FieldReader::finish() {
  for (const YamlNode::Entry& entry : map_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    state_.report(entry.where, unknown_key_text(path_, entry.key, known_));
    // Told to correct the typo, nobody needs to hear that the right key is missing.
    const auto near = nearest_name(entry.key, known_);
    std::erase_if(missing_, [&](const Missing& missing) { return near && missing.key == *near; });
  }
  for (const Missing& missing : missing_) state_.report(map_.where, missing.text);
}

}  // namespace caravan::recipes
