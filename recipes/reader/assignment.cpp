#include "recipes/reader/assignment.h"

#include <charconv>

#include "recipes/reader/field_values.h"

namespace caravan::recipes {
namespace {

// "a.b.c" to "a" and "b.c".
std::pair<std::string_view, std::string_view> split_first(std::string_view key) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos) return {key, {}};
  return {key.substr(0, dot), key.substr(dot + 1)};
}

YamlNode* child(YamlNode& node, std::string_view name) {
  if (node.kind == YamlNode::Kind::kMap) return node.find(name);
  if (node.kind != YamlNode::Kind::kSequence) return nullptr;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && index < node.items.size() ? &node.items[index] : nullptr;
}

}  // namespace

YamlNode* find_node(YamlNode& root, std::string_view key) {
  YamlNode* node = &root;
  while (node != nullptr && !key.empty()) {
    const auto [name, rest] = split_first(key);
    node = child(*node, name);
    key = rest;
  }
  return node;
}

std::string assign(YamlNode& root, const Assignment& assignment) {
  YamlNode* node = &root;
  std::string_view key = assignment.key;
  std::string way;
  while (!key.empty()) {
    const auto [name, rest] = split_first(key);
    if (node->kind == YamlNode::Kind::kNull) {
      const YamlNode::Kind kind = name == "0" ? YamlNode::Kind::kSequence : YamlNode::Kind::kMap;
      *node = {.kind = kind, .where = assignment.where};
    }
    YamlNode* next = child(*node, name);
    if (next == nullptr && node->kind == YamlNode::Kind::kSequence) {
      const std::size_t size = node->items.size();
      if (name != std::to_string(size)) {
        return way + " has " + std::to_string(size) + (size == 1 ? " element; " : " elements; ") +
               std::string(name) + " is none of them: they count from 0, and " + std::to_string(size) +
               " adds one";
      }
      next = &node->items.emplace_back(YamlNode{.where = assignment.where});
    }
    if (next == nullptr && node->kind != YamlNode::Kind::kMap) {
      return way + " is " + found_text(*node) + ", without keys; " + std::string(name) +
             " cannot be set in it";
    }
    if (next == nullptr) {
      node->entries.push_back({std::string(name), assignment.where, {.where = assignment.where}});
      next = &node->entries.back().value;
    }
    if (!way.empty()) way += '.';
    way += name;
    node = next;
    key = rest;
  }
  *node = assignment.value;
  return {};
}

void remove_key(YamlNode& root, std::string_view key) {
  const std::size_t dot = key.rfind('.');
  YamlNode* parent = dot == std::string_view::npos ? &root : find_node(root, key.substr(0, dot));
  if (parent == nullptr) return;
  const std::string_view name = dot == std::string_view::npos ? key : key.substr(dot + 1);
  std::erase_if(parent->entries, [&](const YamlNode::Entry& entry) { return entry.key == name; });
}

}  // namespace caravan::recipes
