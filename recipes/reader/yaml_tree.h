// YAML text as a tree that remembers where each value stood.
//
// Goals: every key is kept, repeated ones too, so that the reader can refuse them; anchors work and cannot
// blow up (nodes, depth and size are bounded); nothing is guessed: tags, merge keys and further documents are
// refused. Non-goals: writing YAML, types of scalars.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "recipes/reader/problem.h"

namespace caravan::recipes {

// A template because it is named where nodes are not complete yet.
template <class Node>
struct YamlEntry {
  std::string key;
  Where where;
  Node value;
};

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  using Entry = YamlEntry<YamlNode>;

  Kind kind = Kind::kNull;
  std::string text = {};   // of a scalar
  Where where = {};        // of the value; for null, of its key
  std::string label = {};  // how messages name it when it came in under another name; empty: by its key
  std::vector<YamlNode> items = {};  // of a sequence
  std::vector<Entry> entries = {};   // of a map, in the order of the text

  // The last entry of that name, or null.
  YamlNode* find(std::string_view key);
};

struct YamlLimits {
  std::size_t bytes = 1u << 20;
  int nodes = 20'000;
  int depth = 32;
};

// The tree of one document. `origin` names the text in messages. Throws RecipeError: text that is not UTF-8
// YAML, or a limit.
YamlNode parse_yaml(std::string_view text, const Where& origin, const YamlLimits& limits = {});

// What a file holds, as far as parse_yaml needs it to see that it is too large. `what`, as in "a recipe", is
// for messages. Throws data::Error: (usage) no such file, a folder; (input/output) cannot be read.
std::string yaml_file_text(const std::string& path, const std::string& what);

}  // namespace caravan::recipes
