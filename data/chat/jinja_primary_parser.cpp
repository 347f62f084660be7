// The innermost expressions: literals, names, and what is attached to them (attributes, subscripts, calls).
#include <charconv>
#include <string>
#include <utility>

#include "data/chat/jinja_expression_parser.h"
#include "data/chat/jinja_methods.h"

namespace caravan::data::jinja {

const Expression* ExpressionParser::parse_primary() {
  const Token& token = tokens_.current();
  std::uint32_t position = tokens_.position();
  if (token.kind == TokenKind::kName) return parse_name();
  if (token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat) return parse_number();
  if (token.kind == TokenKind::kString) {
    std::string text;
    while (tokens_.current().kind == TokenKind::kString) text += tokens_.next().text;
    return builder_.text_constant(position, std::move(text));
  }
  if (token.is_operator("(")) return parse_parenthesis();
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  tokens_.fail("expected an expression");
}

const Expression* ExpressionParser::parse_name() {
  std::uint32_t position = tokens_.position();
  std::string text = tokens_.next().text;
  if (text == "true" || text == "True") return builder_.make<Constant>(position, make_bool(true));
  if (text == "false" || text == "False") return builder_.make<Constant>(position, make_bool(false));
  if (text == "none" || text == "None") return builder_.make<Constant>(position, make_none());
  return builder_.name(position, text);
}

const Expression* ExpressionParser::parse_number() {
  std::uint32_t position = tokens_.position();
  const Token& token = tokens_.next();
  const std::string& text = token.text;
  if (token.kind == TokenKind::kFloat) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return builder_.make<Constant>(position, make_float(value));
  }
  int base = 10;
  std::size_t skip = 0;
  if (text.size() > 2 && text[0] == '0' && (text[1] | 0x20) > '9') {
    base = (text[1] | 0x20) == 'x' ? 16 : (text[1] | 0x20) == 'o' ? 8 : 2;
    skip = 2;
  }
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data() + skip, text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw PlacedFault(position, "the number " + text + " is malformed or beyond 64 bits");
  }
  return builder_.make<Constant>(position, make_int(value));
}

const Expression* ExpressionParser::parse_parenthesis() {
  std::uint32_t position = tokens_.position();
  tokens_.expect_operator("(");
  if (tokens_.skip_operator(")")) return builder_.make<Items>(ExpressionKind::kTuple, position);
  const Expression* inside = parse_tuple();
  tokens_.expect_operator(")");
  return inside;
}

const Expression* ExpressionParser::parse_list() {
  auto* list = builder_.make<Items>(ExpressionKind::kList, tokens_.position());
  tokens_.expect_operator("[");
  while (!tokens_.current().is_operator("]")) {
    add_item(list, parse());
    if (!tokens_.skip_operator(",")) break;
  }
  tokens_.expect_operator("]");
  return list;
}

const Expression* ExpressionParser::parse_dict() {
  auto* dict = builder_.make<DictLiteral>(tokens_.position());
  tokens_.expect_operator("{");
  while (!tokens_.current().is_operator("}")) {
    const Expression* key = builder_.adopt(dict, parse());
    tokens_.expect_operator(":");
    dict->entries.emplace_back(key, builder_.adopt(dict, parse()));
    if (!tokens_.skip_operator(",")) break;
  }
  tokens_.expect_operator("}");
  return dict;
}

const Expression* ExpressionParser::parse_postfix(const Expression* node) {
  while (true) {
    if (tokens_.current().is_operator(".")) {
      node = parse_dot(node);
    } else if (tokens_.current().is_operator("[")) {
      node = parse_subscript(node);
    } else if (tokens_.current().is_operator("(")) {
      node = parse_call(node);
    } else {
      return node;
    }
  }
}

const Expression* ExpressionParser::parse_dot(const Expression* object) {
  std::uint32_t position = tokens_.position();
  tokens_.expect_operator(".");
  if (tokens_.current().kind == TokenKind::kInteger) {
    auto* node = builder_.make<Subscript>(position);
    node->object = builder_.adopt(node, object);
    node->key = builder_.adopt(node, parse_number());
    return node;
  }
  auto* node = builder_.make<Attribute>(position);
  node->name = tokens_.expect_name();
  node->method = find_method(node->name);
  node->object = builder_.adopt(node, object);
  return node;
}

const Expression* ExpressionParser::parse_subscript(const Expression* object) {
  std::uint32_t position = tokens_.position();
  tokens_.expect_operator("[");
  auto at_end_of_part = [&] {
    return tokens_.current().is_operator(":") || tokens_.current().is_operator("]");
  };
  const Expression* start = at_end_of_part() ? nullptr : parse_tuple();
  if (start != nullptr && tokens_.skip_operator("]")) {
    auto* node = builder_.make<Subscript>(position);
    node->object = builder_.adopt(node, object);
    node->key = builder_.adopt(node, start);
    return node;
  }
  auto* node = builder_.make<Slice>(position);
  tokens_.expect_operator(":");
  node->object = builder_.adopt(node, object);
  node->start = builder_.adopt(node, start);
  if (!at_end_of_part()) node->stop = builder_.adopt(node, parse());
  if (tokens_.skip_operator(":") && !at_end_of_part()) node->step = builder_.adopt(node, parse());
  tokens_.expect_operator("]");
  return node;
}

const Expression* ExpressionParser::parse_call(const Expression* callee) {
  auto* node = builder_.make<Call>(tokens_.position());
  node->callee = builder_.adopt(node, callee);
  node->arguments = parse_arguments();
  builder_.adopt(node, node->arguments);
  return node;
}

ArgumentList ExpressionParser::parse_arguments() {
  ArgumentList list;
  tokens_.expect_operator("(");
  while (!tokens_.current().is_operator(")")) {
    parse_argument(list);
    if (!tokens_.skip_operator(",")) break;
  }
  tokens_.expect_operator(")");
  return list;
}

void ExpressionParser::parse_argument(ArgumentList& list) {
  if (tokens_.skip_operator("**")) {
    if (list.double_star != nullptr) tokens_.fail("only one ** argument is allowed");
    list.double_star = parse();
  } else if (tokens_.skip_operator("*")) {
    if (list.star != nullptr || list.double_star != nullptr)
      tokens_.fail("only one * argument is allowed, before **");
    list.star = parse();
  } else if (tokens_.current().kind == TokenKind::kName && tokens_.ahead().is_operator("=")) {
    std::string name = tokens_.next().text;
    tokens_.next();
    list.named.emplace_back(std::move(name), parse());
  } else {
    if (!list.named.empty() || list.double_star != nullptr) {
      tokens_.fail("positional arguments come before named ones");
    }
    list.positional.push_back(parse());
  }
}

}  // namespace caravan::data::jinja
