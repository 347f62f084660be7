#include "recipes/reader/overrides.h"

#include "recipes/reader/yaml_text.h"

namespace caravan::recipes {
namespace {

constexpr std::size_t kShown = 100;
constexpr std::size_t kMaxBytes = 1u << 16;

YamlNode parse_override_value(const std::string& text, const Where& where) {
  if (text.empty() || text == "~" || text == "null") return {.where = where};
  if (std::string_view("[{\"'").find(text.front()) != std::string_view::npos) {
    YamlNode value = parse_yaml(text, where, {.bytes = kMaxBytes});
    return value;
  }
  check_yaml_text(text, where, kMaxBytes);
  return {.kind = YamlNode::Kind::kScalar, .text = text, .where = where};
}

// "data.sources[0].take", as messages write it, to "data.sources.0.take".
std::string dotted(const std::string& key) {
  std::string text;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const std::size_t close = key[i] == '[' ? key.find(']', i) : std::string::npos;
    const bool index = close != std::string::npos && close > i + 1 &&
                       key.find_first_not_of("0123456789", i + 1) == close &&
                       (close + 1 == key.size() || key[close + 1] == '.');
    text += index ? '.' + key.substr(i + 1, close - i - 1) : std::string(1, key[i]);
    if (index) i = close;
  }
  return text;
}

}  // namespace

std::vector<YamlNode::Entry> parse_overrides(std::span<const std::string> overrides,
                                             std::vector<Problem>& problems) {
  std::vector<YamlNode::Entry> entries;
  for (const std::string& word : overrides) {
    const std::string shown = word.size() <= kShown ? word : word.substr(0, kShown) + "...";
    const Where where{.origin = "command line: " + shown, .on_command_line = true};
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      problems.push_back({where, "is no key=value; write for example optimizer.learning_rate=1e-5"});
      continue;
    }
    try {
      entries.push_back(
          {dotted(word.substr(0, equals)), where, parse_override_value(word.substr(equals + 1), where)});
    } catch (const RecipeError& error) {
      for (const Problem& problem : error.problems()) problems.push_back(problem);
    }
  }
  return entries;
}

}  // namespace caravan::recipes
