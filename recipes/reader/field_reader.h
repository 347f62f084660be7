// The visitor that fills options structs from a YAML tree and reports whatever does not fit.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "recipes/fields.h"
#include "recipes/reader/field_values.h"
#include "recipes/reader/read_state.h"
#include "recipes/reader/yaml_tree.h"

namespace caravan::recipes {

// Reads one map. After visit_fields, finish() reports the keys that no field took. Members keep their default
// where the recipe says nothing, and where what it says is wrong.
class FieldReader {
 public:
  // `path`: full key of the map, empty for the recipe itself.
  FieldReader(YamlNode& map, std::string path, ReadState& state);

  template <class T>
  void field(std::string_view key, T& member, const FieldSpec& spec) {
    const YamlNode* node = take(key, spec, field_allowed(spec, &member));
    if (node == nullptr) return;
    const std::string problem = parse_value(*node, spec, member);
    if (!problem.empty()) {
      reject(key, *node, problem);
    } else if constexpr (std::is_same_v<T, std::string>) {
      member = absolute_path(key, *node, spec, std::move(member));
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      for (std::size_t i = 0; i < member.size(); ++i)
        member[i] = absolute_path(key, node->items[i], spec, std::move(member[i]));
    }
  }

  template <class Struct>
  void list(std::string_view key, std::vector<Struct>& members, const FieldSpec& spec) {
    YamlNode* node = take(key, spec, "a list, as in [{KEY: VALUE}, {KEY: VALUE}]");
    if (node == nullptr || !expect(key, *node, YamlNode::Kind::kSequence)) return;
    if (spec.required && node->items.empty())
      reject(key, *node, "found an empty list; at least one is needed");
    for (std::size_t i = 0; i < node->items.size(); ++i) {
      read_struct(std::string(key) + '[' + std::to_string(i) + ']', node->items[i], members.emplace_back());
    }
  }

  template <class Struct>
  void section(std::string_view key, Struct& member, const FieldSpec& spec) {
    YamlNode nothing{.kind = YamlNode::Kind::kMap, .where = state_.file};
    YamlNode* node = take(key, spec, {});
    // A section without keys is one where every line is commented out.
    if (node == nullptr || node->kind == YamlNode::Kind::kNull) node = &nothing;
    read_struct(key, *node, member);
  }

  void finish();

 private:
  template <class Struct>
  void read_struct(std::string_view key, YamlNode& node, Struct& member) {
    if (!expect(key, node, YamlNode::Kind::kMap)) return;
    FieldReader reader(node, full_key(key), state_);
    member.visit_fields(reader);
    reader.finish();
  }

  std::string full_key(std::string_view key) const;
  // The value of `key`, or null; reports a repeated key, and a missing one that is required.
  YamlNode* take(std::string_view key, const FieldSpec& spec, const std::string& allowed);
  // False, and reported, where `node` is of another kind.
  bool expect(std::string_view key, const YamlNode& node, YamlNode::Kind kind);
  void reject(std::string_view key, const YamlNode& node, const std::string& text);
  std::string absolute_path(std::string_view key, const YamlNode& node, const FieldSpec& spec,
                            std::string written);

  struct Missing {
    std::string_view key;
    std::string text;
  };

  YamlNode& map_;
  std::string path_;
  ReadState& state_;
  std::vector<std::string_view> known_;
  std::vector<Missing> missing_;
};

}  // namespace caravan::recipes
