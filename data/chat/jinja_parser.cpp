#include "data/chat/jinja_parser.h"

#include <initializer_list>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "data/chat/jinja_expression_parser.h"
#include "data/chat/jinja_globals.h"
#include "data/chat/nearest_name.h"

namespace caravan::data::jinja {

namespace {

constexpr std::uint32_t kMaxBlockNesting = 100;

const std::vector<std::string>& known_tags() {
  static const std::vector<std::string> tags = {
      "for",        "if",      "set",       "macro",   "call",          "filter", "with",   "raw",
      "generation", "break",   "continue",  "elif",    "else",          "endif",  "endfor", "endset",
      "endmacro",   "endcall", "endfilter", "endwith", "endgeneration", "endraw"};
  return tags;
}

class Parser {
 public:
  Parser(const Source& source, Tree& tree)
      : tokens_(read_tokens(source)), builder_(tree), expressions_(tokens_, builder_) {}

  void run() {
    Body body = parse_body({});
    if (tokens_.current().kind != TokenKind::kEnd) tokens_.fail("expected text or a tag");
    builder_.tree().body = std::move(body);
  }

 private:
  // Statements up to a tag whose first word is one of `ends`; the stream then stands on that word. Without
  // ends: to the end of the template.
  Body parse_body(std::initializer_list<std::string_view> ends) {
    if (++nesting_ > kMaxBlockNesting) {
      throw PlacedFault(tokens_.position(),
                        "tags are nested more than " + std::to_string(kMaxBlockNesting) + " deep",
                        "move the inner part to a macro");
    }
    Body body;
    while (true) {
      std::uint32_t position = tokens_.position();
      if (tokens_.current().kind == TokenKind::kText) {
        Text* text = builder_.make<Text>(position);
        text->text = tokens_.next().text;
        body.push_back(text);
      } else if (tokens_.current().kind == TokenKind::kOutputBegin) {
        body.push_back(parse_output());
      } else if (tokens_.current().kind == TokenKind::kBlockBegin) {
        tokens_.next();
        if (at_one_of(ends)) break;
        body.push_back(parse_statement());
      } else {
        if (ends.size() != 0) tokens_.fail("expected {% " + std::string(*(ends.end() - 1)) + " %}");
        break;
      }
    }
    --nesting_;
    return body;
  }

  bool at_one_of(std::initializer_list<std::string_view> ends) const {
    for (std::string_view end : ends) {
      if (tokens_.current().is_name(end)) return true;
    }
    return false;
  }

  void end_tag() { tokens_.expect(TokenKind::kBlockEnd, "%}"); }
  void end_tag(std::string_view name) {
    if (!tokens_.skip_name(name)) tokens_.fail("expected {% " + std::string(name) + " %}");
    end_tag();
  }

  const Statement* parse_output() {
    Output* output = builder_.make<Output>(tokens_.position());
    tokens_.next();
    output->value = expressions_.parse_tuple();
    tokens_.expect(TokenKind::kOutputEnd, "}}");
    return output;
  }

  const Statement* parse_statement() {
    std::uint32_t position = tokens_.position();
    std::string tag = tokens_.expect_name();
    if (tag == "for") return parse_for(position);
    if (tag == "if") return parse_if(position);
    if (tag == "set") return parse_set(position);
    if (tag == "macro") return parse_macro(position);
    if (tag == "call") return parse_call_block(position);
    if (tag == "filter") return parse_filter_block(position);
    if (tag == "with") return parse_with(position);
    if (tag == "generation") return parse_generation(position);
    if (tag == "break" || tag == "continue") return parse_jump(position, tag);
    reject_tag(position, tag);
  }

  [[noreturn]] void reject_tag(std::uint32_t position, const std::string& tag) {
    for (std::string_view part : {"extends", "block", "include", "import", "from"}) {
      if (tag == part) {
        throw PlacedFault(position, "the tag '" + tag + "' reads other templates",
                          "a chat template stands alone: put everything in one file");
      }
    }
    throw PlacedFault(position, "unknown or misplaced tag '" + tag + "'",
                      nearest_name_advice(tag, known_tags()));
  }

  const Statement* parse_jump(std::uint32_t position, const std::string& tag) {
    if (loops_ == 0) throw PlacedFault(position, "'" + tag + "' outside of a for loop");
    end_tag();
    return builder_.make<Jump>(tag == "break" ? StatementKind::kBreak : StatementKind::kContinue, position);
  }

  // ------------------------------------------------------------ targets
  Target parse_target_name(bool allow_attribute, bool is_parameter) {
    Target target;
    target.position = tokens_.position();
    if (tokens_.skip_operator("(")) {
      if (++nesting_ > kMaxBlockNesting) throw PlacedFault(target.position, "targets are nested too deep");
      target = parse_target(allow_attribute, is_parameter);
      tokens_.expect_operator(")");
      --nesting_;
      return target;
    }
    std::string name = tokens_.expect_name();
    if (allow_attribute && tokens_.skip_operator(".")) {
      target.holder = builder_.name(target.position, name);
      target.attribute = tokens_.expect_name();
      return target;
    }
    for (std::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
      if (name == constant) throw PlacedFault(target.position, "cannot assign to '" + name + "'");
    }
    target.slot = is_parameter ? builder_.store_parameter(name) : builder_.store(name);
    return target;
  }

  Target parse_target(bool allow_attribute, bool is_parameter) {
    Target first = parse_target_name(allow_attribute, is_parameter);
    if (!tokens_.current().is_operator(",")) return first;
    Target target;
    target.position = first.position;
    target.parts.push_back(std::move(first));
    while (tokens_.skip_operator(",")) {
      if (tokens_.current().kind != TokenKind::kName && !tokens_.current().is_operator("(")) break;
      if (tokens_.current().is_name("in")) break;
      target.parts.push_back(parse_target_name(allow_attribute, is_parameter));
    }
    return target;
  }

  // ------------------------------------------------------------ statements
  const Statement* parse_if(std::uint32_t position) {
    If* node = builder_.make<If>(position);
    do {
      const Expression* condition = expressions_.parse_tuple();
      end_tag();
      node->mentions_prompt = node->mentions_prompt || condition->mentions_prompt;
      node->branches.push_back({condition, parse_body({"elif", "else", "endif"})});
    } while (tokens_.skip_name("elif"));
    if (tokens_.skip_name("else")) {
      end_tag();
      node->otherwise = parse_body({"endif"});
    }
    end_tag("endif");
    return node;
  }

  const Statement* parse_for(std::uint32_t position) {
    For* node = builder_.make<For>(position);
    // The target belongs to the body's scope, but the items are evaluated outside of it: parse it there, then
    // come back.
    Scope* scope = builder_.open_scope();
    node->scope = scope;
    node->loop_slot = builder_.store_parameter("loop");
    node->target = parse_target(false, true);
    if (!tokens_.skip_name("in")) tokens_.fail("expected 'in'");
    builder_.close_scope();
    node->items = expressions_.parse_tuple(false);
    builder_.reopen(scope);
    if (tokens_.skip_name("if")) node->condition = expressions_.parse();
    if (tokens_.current().is_name("recursive")) {
      throw PlacedFault(tokens_.position(), "recursive loops are not supported",
                        "use a macro that calls itself");
    }
    end_tag();
    ++loops_;
    node->body = parse_body({"else", "endfor"});
    --loops_;
    builder_.close_scope();
    if (tokens_.skip_name("else")) {
      end_tag();
      node->else_scope = builder_.open_scope();
      node->otherwise = parse_body({"endfor"});
      builder_.close_scope();
    }
    end_tag("endfor");
    return node;
  }

  const Statement* parse_set(std::uint32_t position) {
    Target target = parse_target(true, false);
    if (tokens_.skip_operator("=")) {
      Set* node = builder_.make<Set>(position);
      node->target = std::move(target);
      node->value = expressions_.parse_tuple();
      end_tag();
      return node;
    }
    SetBlock* node = builder_.make<SetBlock>(position);
    node->target = std::move(target);
    node->scope = builder_.open_scope();
    if (tokens_.skip_operator("|")) node->filters = expressions_.parse_filter_chain();
    end_tag();
    node->body = parse_body({"endset"});
    builder_.close_scope();
    end_tag("endset");
    return node;
  }

  void parse_parameters(Macro* macro) {
    tokens_.expect_operator("(");
    while (!tokens_.current().is_operator(")")) {
      macro->parameters.push_back(tokens_.expect_name());
      macro->slots.push_back(builder_.store_parameter(macro->parameters.back()));
      if (tokens_.skip_operator("=")) {
        macro->defaults.push_back(expressions_.parse());
      } else {
        if (!macro->defaults.empty() && macro->defaults.back() != nullptr) {
          tokens_.fail("parameters without a default come first");
        }
        macro->defaults.push_back(nullptr);
      }
      if (!tokens_.skip_operator(",")) break;
    }
    tokens_.expect_operator(")");
  }

  // break and continue do not reach out of a macro's body.
  void parse_macro_body(Macro* macro, std::string_view end) {
    macro->caller_slot = builder_.store_parameter("caller");
    macro->varargs_slot = builder_.store_parameter("varargs");
    macro->kwargs_slot = builder_.store_parameter("kwargs");
    std::uint32_t loops = std::exchange(loops_, 0);
    macro->body = parse_body({end});
    loops_ = loops;
    builder_.close_scope();
  }

  const Statement* parse_macro(std::uint32_t position) {
    Macro* macro = builder_.make<Macro>(position);
    macro->name = tokens_.expect_name();
    macro->name_slot = builder_.store(macro->name);
    macro->scope = builder_.open_scope(true);
    parse_parameters(macro);
    end_tag();
    parse_macro_body(macro, "endmacro");
    end_tag("endmacro");
    return macro;
  }

  const Statement* parse_call_block(std::uint32_t position) {
    CallBlock* node = builder_.make<CallBlock>(position);
    Macro* caller = builder_.make<Macro>(position);
    caller->name = "caller";
    // The call itself is evaluated outside of the body's scope.
    Scope* scope = builder_.open_scope(true);
    caller->scope = scope;
    if (tokens_.current().is_operator("(")) parse_parameters(caller);
    builder_.close_scope();
    const Expression* call = expressions_.parse();
    if (call->kind != ExpressionKind::kCall)
      throw PlacedFault(position, "expected the call of a macro after 'call'");
    node->call = static_cast<const Call*>(call);
    end_tag();
    builder_.reopen(scope);
    parse_macro_body(caller, "endcall");
    end_tag("endcall");
    node->caller = caller;
    return node;
  }

  const Statement* parse_filter_block(std::uint32_t position) {
    FilterBlock* node = builder_.make<FilterBlock>(position);
    node->filters = expressions_.parse_filter_chain();
    end_tag();
    node->scope = builder_.open_scope();
    node->body = parse_body({"endfilter"});
    builder_.close_scope();
    end_tag("endfilter");
    return node;
  }

  const Statement* parse_with(std::uint32_t position) {
    With* node = builder_.make<With>(position);
    Scope* scope = builder_.open_scope();
    node->scope = scope;
    while (tokens_.current().kind != TokenKind::kBlockEnd) {
      Target target = parse_target_name(false, true);
      tokens_.expect_operator("=");
      builder_.close_scope();
      node->values.emplace_back(std::move(target), expressions_.parse());
      builder_.reopen(scope);
      if (!tokens_.skip_operator(",")) break;
    }
    end_tag();
    node->body = parse_body({"endwith"});
    builder_.close_scope();
    end_tag("endwith");
    return node;
  }

  const Statement* parse_generation(std::uint32_t position) {
    Generation* node = builder_.make<Generation>(position);
    end_tag();
    node->scope = builder_.open_scope();
    node->body = parse_body({"endgeneration"});
    builder_.close_scope();
    end_tag("endgeneration");
    builder_.tree().has_generation = true;
    return node;
  }

  TokenStream tokens_;
  TreeBuilder builder_;
  ExpressionParser expressions_;
  std::uint32_t nesting_ = 0;
  std::uint32_t loops_ = 0;
};

// Looks a name up from the inside out. Frames crossed on the way are the hops at run time.
void resolve(Tree& tree, std::unordered_map<std::string, std::uint32_t>& variables, Name& name) {
  std::uint16_t hops = 0;
  for (const Scope* scope = name.scope; scope != nullptr; scope = scope->parent) {
    if (auto found = scope->stores.find(name.text); found != scope->stores.end()) {
      name.is_local = true;
      name.hops = hops;
      name.index = found->second;
      return;
    }
    if (scope->opens_frame) ++hops;
  }
  auto [entry, is_new] = variables.try_emplace(name.text, static_cast<std::uint32_t>(tree.variables.size()));
  if (is_new) {
    tree.variables.push_back(name.text);
    tree.is_mentioned.push_back(0);
  }
  name.index = entry->second;
  if (!name.is_inherited) tree.is_mentioned[name.index] = 1;
}

}  // namespace

void resolve_names(Tree& tree) {
  for (Scope& scope : tree.scopes) {
    for (const auto& [text, slot] : scope.stores) {
      if (scope.parameters.count(slot) != 0) continue;
      auto outer = std::make_unique<Name>(0, text, scope.parent);
      outer->is_inherited = true;
      scope.inherited.push_back({slot, outer.get()});
      tree.names.push_back(outer.get());
      tree.nodes.push_back(std::move(outer));
    }
  }
  std::unordered_map<std::string, std::uint32_t> variables;
  for (Name* name : tree.names) resolve(tree, variables, *name);
  for (const std::string& name : tree.variables) {
    Global global{};
    tree.globals.push_back(find_global(name, global) ? make_global(global) : make_missing());
  }
}

std::unique_ptr<Tree> parse_template(const Source& source) {
  auto tree = std::make_unique<Tree>();
  try {
    Parser(source, *tree).run();
    resolve_names(*tree);
  } catch (const PlacedFault& fault) {
    throw source.error_at(fault.position(), fault.what(), fault.advice());
  }
  return tree;
}

}  // namespace caravan::data::jinja
