#include "recipes/reader/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "data/error.h"
#include "recipes/reader/yaml_text.h"

namespace caravan::recipes {
namespace {

// Builds the tree from the parser's events. Throws RecipeError at the first thing that is refused.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, const Where& origin, const YamlLimits& limits)
      : text_(text), origin_(origin), limits_(limits) {}

  YamlNode take_root() { return std::move(root_).value_or(YamlNode{.where = origin_}); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    // An absent value has no place of its own: the parser's mark is that of the next token.
    const bool has_key = !open_.empty() && open_.back().key;
    node.where = has_key ? open_.back().key_where : at(mark);
    add(std::move(node), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(tag, mark);
    refuse_open_quote(mark);
    add({.kind = YamlNode::Kind::kScalar, .text = value, .where = at(mark)}, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "an alias inside the value that it names; write the value out");
    YamlNode copy = found->second;
    // Aliases of aliases grow deep as well as large.
    if (static_cast<int>(open_.size()) + depth_of(copy) > limits_.depth) refuse_depth(mark);
    nodes_ += size_of(copy) - 1;
    add(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(tag, mark);
    open(YamlNode::Kind::kSequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(tag, mark);
    open(YamlNode::Kind::kMap, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  // A list or map whose end has not been seen, and in a map the key whose value comes next.
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::optional<std::string> key;
    Where key_where;
  };

  Where at(const YAML::Mark& mark) const {
    Where where = origin_;
    if (!where.on_command_line) {
      where.line = mark.line + 1;
      where.column = mark.column + 1;
    }
    return where;
  }

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& text) const {
    throw RecipeError({{at(mark), text}});
  }

  // Plain text carries "?", quoted text "!"; anything else was written by the author.
  void refuse_tag(const std::string& tag, const YAML::Mark& mark) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    refuse(mark, "tag " + tag + "; recipes have no tags: remove it");
  }

  // The parser takes the end of the text for the end of a quoted value.
  void refuse_open_quote(const YAML::Mark& mark) const {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    std::string_view rest = text_.starts_with(kByteOrderMark) ? text_.substr(kByteOrderMark.size()) : text_;
    rest.remove_prefix(std::min(static_cast<std::size_t>(std::max(mark.pos, 0)), rest.size()));
    const char quote = rest.empty() ? '\0' : rest.front();
    if (quote != '\'' && quote != '"') return;
    for (std::size_t i = 1; i < rest.size(); ++i) {
      // What follows is part of the text: after a backslash, and the second of two single quotes.
      const bool escape = quote == '"' ? rest[i] == '\\' : rest.substr(i, 2) == "''";
      if (escape) {
        ++i;
      } else if (rest[i] == quote) {
        return;
      }
    }
    refuse(mark, "a quote that is never closed; close it");
  }

  static int size_of(const YamlNode& node) {
    int size = 1;
    for (const YamlNode& item : node.items) size += size_of(item);
    for (const YamlNode::Entry& entry : node.entries) size += size_of(entry.value);
    return size;
  }

  static int depth_of(const YamlNode& node) {
    int deepest = 0;
    for (const YamlNode& item : node.items) deepest = std::max(deepest, depth_of(item));
    for (const YamlNode::Entry& entry : node.entries) deepest = std::max(deepest, depth_of(entry.value));
    return deepest + 1;
  }

  [[noreturn]] void refuse_depth(const YAML::Mark& mark) const {
    refuse(mark, "nested more than " + std::to_string(limits_.depth) + " deep; a recipe needs no such depth");
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (static_cast<int>(open_.size()) >= limits_.depth) {
      refuse_depth(mark);
    }
    refuse_as_key(kind, mark);
    open_.push_back(
        {.node = {.kind = kind, .where = at(mark)}, .anchor = anchor, .key = {}, .key_where = {}});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  bool awaits_key() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().key;
  }

  void refuse_as_key(YamlNode::Kind kind, const YAML::Mark& mark) const {
    if (awaits_key() && kind != YamlNode::Kind::kScalar)
      refuse(mark, "a list or map as a key; a key is a word: is a bracket left open?");
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    if (++nodes_ > limits_.nodes) {
      throw RecipeError({{node.where, "more than " + std::to_string(limits_.nodes) +
                                          " values, aliases written out; a recipe needs no such number"}});
    }
    if (anchor != 0) anchors_[anchor] = node;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kSequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      take_key(parent, node);
    } else {
      parent.node.entries.push_back({std::move(*parent.key), parent.key_where, std::move(node)});
      parent.key.reset();
    }
  }

  static void take_key(Open& parent, const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kScalar)
      throw RecipeError({{node.where, "a key without a name; a key is a word"}});
    if (node.text == "<<") {
      throw RecipeError({{node.where, "<< merges maps, which recipes do not do; write the keys out"}});
    }
    parent.key = node.text;
    parent.key_where = node.where;
  }

  std::string_view text_;
  Where origin_;
  YamlLimits limits_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::optional<YamlNode> root_;
  int nodes_ = 0;
};

}  // namespace

YamlNode* YamlNode::find(std::string_view key) {
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (entry->key == key) return &entry->value;
  }
  return nullptr;
}

YamlNode parse_yaml(std::string_view text, const Where& origin, const YamlLimits& limits) {
  check_yaml_text(text, origin, limits.bytes);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(text, origin, limits);
    parser.HandleNextDocument(builder);
    YamlNode root = builder.take_root();
    TreeBuilder further(text, origin, limits);
    if (parser.HandleNextDocument(further)) {
      throw RecipeError(
          {{further.take_root().where, "a second document after ---; a recipe is one document"}});
    }
    return root;
  } catch (const YAML::Exception& error) {
    Where where = origin;
    if (!where.on_command_line && !error.mark.is_null()) {
      where.line = error.mark.line + 1;
      where.column = error.mark.column + 1;
    }
    throw RecipeError({{where, "not YAML: " + error.msg}});
  }
}

std::string yaml_file_text(const std::string& path, const std::string& what) {
  std::error_code error;
  const auto fail = [&](data::Error::Kind kind, const std::string& found) {
    throw data::Error(kind, path + ": " + found + "; " + what + " is a YAML file that can be read");
  };
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) fail(data::Error::Kind::kUsage, "no such file");
  if (std::filesystem::is_directory(status)) fail(data::Error::Kind::kUsage, "is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(data::Error::Kind::kInputOutput, std::strerror(errno));
  // One byte more than is allowed is enough to see that a file is too large, and a pipe has no size to ask
  // for.
  std::string text(YamlLimits().bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace caravan::recipes
