#include "data/converters/reply_trees.h"
#include "data/readers/pair_layouts.h"

#include <algorithm>
#include <unordered_map>

namespace caravan::data {
namespace {

using Type = JsonValue::Type;

// Longer talks are no talks: a chain of replies as long as a file must not become one row.
constexpr std::size_t kMaxTurns = 1000;

// A message of a tree, nested or flat, in one form.
struct Node {
  std::string text, role;
  Json quality = 0;  // as the row writes it
  double score = 0;
  std::optional<double> rank;
  bool deleted = false;
  std::string drop;  // why it cannot be used; told only where a path goes through it
  std::vector<std::size_t> replies;
};
using Tree = std::vector<Node>;  // the root first

std::string turn_role(const std::string& role) {
  if (role == "prompter") return "user";
  if (role == "assistant") return role;
  throw DropRow{"unknown_role:" + shorten(role)};
}

// labels: {"quality": {"value": 0.5}} in trees; {"name": [...], "value": [...]} in tables.
std::optional<JsonValue> quality_label(const JsonValue& message) {
  const std::optional<JsonValue> labels = message.find("labels");
  if (!labels) return std::nullopt;
  if (const std::optional<JsonValue> quality = labels->find("quality")) return quality->find("value");
  const std::optional<JsonValue> names = labels->find("name"), values = labels->find("value");
  if (!names || !values || !names->is(Type::kArray) || !values->is(Type::kArray)) return std::nullopt;
  auto value = values->begin();
  for (const JsonValue name : *names) {
    if (!(value != values->end())) break;
    if (name.equals("quality")) return *value;
    ++value;
  }
  return std::nullopt;
}

Node read_node(const JsonValue& message) {
  if (!message.is(Type::kObject)) throw DropRow{"wrong_type:message"};
  Node node;
  const JsonValue role = need(message, "role"), text = need(message, "text");
  if (!role.is(Type::kString)) throw DropRow{"wrong_type:role"};
  node.role = role.text();
  RowNotes notes;
  try {
    node.text = need_text(text, "text", notes);
  } catch (const DropRow& drop) {
    node.drop = drop.reason;
  }
  const std::optional<JsonValue> deleted = message.find("deleted"), quality = quality_label(message);
  node.deleted = deleted && deleted->is(Type::kTrue);
  if (quality && quality->is(Type::kNumber) && quality->truthy()) {
    node.quality = keep(*quality);
    node.score = node.quality.get<double>();
  }
  const std::optional<JsonValue> rank = message.find("rank");
  if (rank && rank->is(Type::kNumber)) node.rank = keep(*rank).get<double>();
  return node;
}

// Depth is bounded by the parser's.
std::size_t add_nested(const JsonValue& message, Tree& tree) {
  const std::size_t index = tree.size();
  tree.push_back(read_node(message));
  const std::optional<JsonValue> replies = message.find("replies");
  if (!replies || replies->is(Type::kNull)) return index;
  if (!replies->is(Type::kArray)) throw DropRow{"wrong_type:replies"};
  for (const JsonValue reply : *replies) {
    const std::size_t child = add_nested(reply, tree);
    tree[index].replies.push_back(child);
  }
  return index;
}

Tree read_tree(const JsonValue& row) {
  const std::optional<JsonValue> prompt = row.find("prompt");
  Tree tree;
  add_nested(prompt || !has_key(row, "message_id") ? need(row, "prompt") : row, tree);
  if (tree[0].deleted) throw DropRow{"deleted"};
  return tree;
}

std::vector<std::size_t> living_replies(const Tree& tree, std::size_t node) {
  std::vector<std::size_t> replies;
  for (const std::size_t reply : tree[node].replies) {
    if (!tree[reply].deleted) replies.push_back(reply);
  }
  return replies;
}

std::vector<Message> turns_of(const Tree& tree, const std::vector<std::size_t>& path) {
  if (path.size() > kMaxTurns) throw DropRow{"too_many_turns"};
  std::vector<Message> turns;
  for (const std::size_t node : path) {
    if (!tree[node].drop.empty()) throw DropRow{tree[node].drop};
    turns.push_back(turn(turn_role(tree[node].role), tree[node].text));
  }
  return turns;
}

void add_path(const Tree& tree, const std::vector<std::size_t>& path, std::vector<ConvertedRow>& out) {
  ConvertedRow& made = out.emplace_back();
  made.messages = turns_of(tree, path);
  Json qualities = Json::array();
  double sum = 0;
  for (const std::size_t node : path) {
    qualities.push_back(tree[node].quality);
    sum += tree[node].score;
  }
  made.more["quality"] = std::move(qualities);
  made.more["mean_quality"] = sum / static_cast<double>(path.size());
}

// Depth first with a stack of our own: a table may hold a chain as long as itself.
std::vector<std::vector<std::size_t>> answered_paths(const Tree& tree, std::uint32_t top_k) {
  constexpr std::size_t kMaxPaths = 100000;
  struct Step {
    std::size_t node, depth;
  };
  std::vector<std::vector<std::size_t>> paths;
  std::vector<std::size_t> path;
  std::vector<Step> open{{0, 0}};
  while (!open.empty()) {
    const Step step = open.back();
    open.pop_back();
    path.resize(step.depth);
    path.push_back(step.node);
    std::vector<std::size_t> replies = living_replies(tree, step.node);
    if (replies.empty() && tree[step.node].role == "assistant") {
      if (paths.size() == kMaxPaths || path.size() > kMaxTurns) throw DropRow{"too_many_turns"};
      paths.push_back(path);
    }
    std::stable_sort(replies.begin(), replies.end(),
                     [&tree](std::size_t a, std::size_t b) { return tree[a].score > tree[b].score; });
    replies.resize(std::min<std::size_t>(replies.size(), top_k));
    for (auto reply = replies.rbegin(); reply != replies.rend(); ++reply)
      open.push_back({*reply, step.depth + 1});
  }
  return paths;
}

void add_pair(const Tree& tree, const std::vector<std::size_t>& path, Conversion& out) {
  std::vector<std::size_t> ranked = living_replies(tree, path.back());
  std::erase_if(ranked, [&tree](std::size_t i) { return !tree[i].rank || tree[i].role != "assistant"; });
  std::stable_sort(ranked.begin(), ranked.end(),
                   [&tree](std::size_t a, std::size_t b) { return *tree[a].rank < *tree[b].rank; });
  if (ranked.size() < 2 || *tree[ranked.front()].rank == *tree[ranked.back()].rank) return;
  ConvertedRow made;
  made.chosen = made.rejected = turns_of(tree, path);
  made.chosen.push_back(turns_of(tree, {ranked.front()}).front());
  made.rejected.push_back(turns_of(tree, {ranked.back()}).front());
  if (!equal_turns(made.chosen, made.rejected)) out.rows.push_back(std::move(made));
}

void add_pairs_below(const Tree& tree, std::vector<std::size_t>& path, Conversion& out) {
  if (tree[path.back()].role == "prompter") add_pair(tree, path, out);
  for (const std::size_t reply : living_replies(tree, path.back())) {
    path.push_back(reply);
    add_pairs_below(tree, path, out);
    path.pop_back();
  }
}

// The names of the table's keys, of the published export and of the project's seed file.
std::optional<JsonValue> first_of(const JsonValue& row, std::string_view name, std::string_view other) {
  const std::optional<JsonValue> value = row.find(name);
  return value ? value : row.find(other);
}

}  // namespace

bool fits_oasst(const JsonValue& row) {
  const std::optional<JsonValue> prompt = row.find("prompt");
  if (prompt && prompt->is(Type::kObject)) return has_key(*prompt, "role") && has_key(*prompt, "text");
  return has_key(row, "message_id") && has_text(row, "role") && has_array(row, "replies");
}

void convert_oasst(const JsonValue& row, Conversion& out) {
  const Tree tree = read_tree(row);
  for (const std::vector<std::size_t>& path : answered_paths(tree, out.options.top_k))
    add_path(tree, path, out.rows);
  if (out.rows.empty()) throw DropRow{"no_assistant"};
}

void convert_oasst_pairs(const JsonValue& row, Conversion& out) {
  const Tree tree = read_tree(row);
  std::vector<std::size_t> path{0};
  add_pairs_below(tree, path, out);
  if (out.rows.empty()) throw DropRow{"too_few_answers"};
}

bool fits_oasst_flat(const JsonValue& row) {
  const bool keys = has_key(row, "parent_id") || has_key(row, "parent_message_id");
  return keys && has_text(row, "role") && has_text(row, "text") && !has_key(row, "replies");
}

GroupedRow read_oasst_flat(const JsonValue& row, RowNotes&) {
  const std::optional<JsonValue> id = first_of(row, "message_id", "user_message_id");
  if (!id || !id->is(Type::kString)) throw DropRow{"missing_field:message_id"};
  const std::optional<JsonValue> parent = first_of(row, "parent_id", "parent_message_id");
  if (!parent) throw DropRow{"missing_field:parent_id"};
  const Node node = read_node(row);
  return {{{"id", id->text()},
           {"parent", parent->is(Type::kNull) ? Json(nullptr) : Json(parent->text())},
           {"text", node.text},
           {"role", node.role},
           {"quality", node.quality},
           {"deleted", node.deleted},
           {"drop", node.drop}}};
}

std::vector<GroupVerdict> group_oasst_flat(const std::vector<GroupedRow>& rows,
                                           const ConvertOptions& options) {
  std::vector<GroupVerdict> verdicts(rows.size());
  std::unordered_map<std::string, std::size_t> by_id;
  std::vector<std::vector<std::size_t>> children(rows.size());
  std::vector<std::size_t> roots;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    verdicts[i].reason = "orphan";  // until a root reaches it
    if (!by_id.emplace(rows[i].fields["id"].get<std::string>(), i).second)
      verdicts[i].reason = "duplicate_message_id";
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (verdicts[i].reason == "duplicate_message_id") continue;
    const Json& parent = rows[i].fields["parent"];
    if (parent.is_null()) {
      roots.push_back(i);
    } else if (const auto found = by_id.find(parent.get<std::string>()); found != by_id.end()) {
      children[found->second].push_back(i);
    }
  }
  for (const std::size_t root : roots) {
    Tree tree;
    std::vector<std::size_t> rows_of_tree{root};
    for (std::size_t at = 0; at < rows_of_tree.size(); ++at) {
      const Json& fields = rows[rows_of_tree[at]].fields;
      Node& node = tree.emplace_back();
      node.text = fields["text"];
      node.role = fields["role"];
      node.quality = fields["quality"];
      node.score = node.quality.get<double>();
      node.deleted = fields["deleted"];
      node.drop = fields["drop"];
      for (const std::size_t child : children[rows_of_tree[at]]) {
        node.replies.push_back(rows_of_tree.size());
        rows_of_tree.push_back(child);
      }
    }
    for (const std::size_t row : rows_of_tree) verdicts[row].reason = "not_picked";
    GroupVerdict& verdict = verdicts[root];
    try {
      if (tree[0].deleted) throw DropRow{"deleted"};
      const std::vector<std::vector<std::size_t>> paths = answered_paths(tree, options.top_k);
      for (const std::vector<std::size_t>& path : paths) add_path(tree, path, verdict.rows);
      if (verdict.rows.empty()) throw DropRow{"no_assistant"};
      for (ConvertedRow& made : verdict.rows) made.id = rows[root].fields["id"].get<std::string>();
      for (const std::vector<std::size_t>& path : paths) {
        for (const std::size_t node : path) verdicts[rows_of_tree[node]].fate = GroupVerdict::Fate::kMerged;
      }
      verdict.fate = GroupVerdict::Fate::kKept;
    } catch (const DropRow& drop) {
      verdict.rows.clear();
      for (const std::size_t row : rows_of_tree)
        verdicts[row] = {GroupVerdict::Fate::kDropped, drop.reason, {}, {}};
    }
  }
  return verdicts;
}

}  // namespace caravan::data
