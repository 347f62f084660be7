#include "data/chat/jinja_expression_parser.h"

#include <array>
#include <optional>
#include <utility>

#include "data/chat/jinja_filters.h"
#include "data/chat/jinja_tests.h"

namespace caravan::data::jinja {

namespace {

constexpr std::uint32_t kMaxNesting = 200;

class Nested {
 public:
  Nested(std::uint32_t& depth, std::uint32_t position) : depth_(depth) {
    if (++depth_ > kMaxNesting) {
      --depth_;
      throw PlacedFault(position,
                        "brackets or operators are nested more than " + std::to_string(kMaxNesting) + " deep",
                        "split the expression with {% set %}");
    }
  }
  ~Nested() { --depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  std::uint32_t& depth_;
};

bool is_text_constant(const Expression* e) {
  return e->kind == ExpressionKind::kConstant && static_cast<const Constant*>(e)->value.is_string();
}

std::optional<Comparison> comparison_of(const Token& token) {
  constexpr std::array<std::pair<std::string_view, Comparison>, 6> kOperators = {{
      {"==", Comparison::kEqual},
      {"!=", Comparison::kNotEqual},
      {"<", Comparison::kLess},
      {"<=", Comparison::kLessEqual},
      {">", Comparison::kGreater},
      {">=", Comparison::kGreaterEqual},
  }};
  if (token.kind != TokenKind::kOperator) return std::nullopt;
  for (const auto& [text, comparison] : kOperators) {
    if (token.text == text) return comparison;
  }
  return std::nullopt;
}

}  // namespace

const Expression* ExpressionParser::parse(bool with_conditional) {
  Nested nested(nesting_, tokens_.position());
  return with_conditional ? parse_conditional() : parse_or();
}

bool ExpressionParser::at_tuple_end() const {
  const Token& token = tokens_.current();
  return token.kind == TokenKind::kOutputEnd || token.kind == TokenKind::kBlockEnd ||
         token.is_operator(")") || token.is_operator("=") || token.is_name("in");
}

const Expression* ExpressionParser::parse_tuple(bool with_conditional) {
  std::uint32_t position = tokens_.position();
  const Expression* first = parse(with_conditional);
  if (!tokens_.current().is_operator(",")) return first;
  auto* tuple = builder_.make<Items>(ExpressionKind::kTuple, position);
  add_item(tuple, first);
  while (tokens_.skip_operator(",")) {
    if (at_tuple_end()) break;
    add_item(tuple, parse(with_conditional));
  }
  return tuple;
}

void ExpressionParser::add_item(Items* chain, const Expression* item) {
  chain->items.push_back(builder_.adopt(chain, item));
}

// A chain of "a if b else c if d else e" leans to the right, so it is read in a loop.
const Expression* ExpressionParser::parse_conditional() {
  std::vector<Conditional*> chain;
  const Expression* value = parse_or();
  while (tokens_.current().is_name("if")) {
    auto* node = builder_.make<Conditional>(tokens_.position());
    tokens_.next();
    node->then = value;
    node->condition = parse_or();
    chain.push_back(node);
    value = nullptr;
    if (!tokens_.skip_name("else")) break;
    value = parse_or();
  }
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    builder_.adopt(*it, (*it)->then);
    builder_.adopt(*it, (*it)->condition);
    (*it)->otherwise = builder_.adopt(*it, value);
    value = *it;
  }
  return value;
}

const Expression* ExpressionParser::parse_or() {
  const Expression* left = parse_and();
  if (!tokens_.current().is_name("or")) return left;
  auto* chain = builder_.make<Items>(ExpressionKind::kOr, tokens_.position());
  add_item(chain, left);
  while (tokens_.skip_name("or")) add_item(chain, parse_and());
  return chain;
}

const Expression* ExpressionParser::parse_and() {
  const Expression* left = parse_not();
  if (!tokens_.current().is_name("and")) return left;
  auto* chain = builder_.make<Items>(ExpressionKind::kAnd, tokens_.position());
  add_item(chain, left);
  while (tokens_.skip_name("and")) add_item(chain, parse_not());
  return chain;
}

const Expression* ExpressionParser::parse_not() {
  if (!tokens_.current().is_name("not")) return parse_compare();
  Nested nested(nesting_, tokens_.position());
  auto* node = builder_.make<Unary>(ExpressionKind::kNot, tokens_.position());
  tokens_.next();
  node->operand = builder_.adopt(node, parse_not());
  return node;
}

const Expression* ExpressionParser::parse_compare() {
  const Expression* first = parse_sum();
  Compare* node = nullptr;
  while (true) {
    std::optional<Comparison> comparison = comparison_of(tokens_.current());
    std::uint32_t position = tokens_.position();
    if (comparison) {
      tokens_.next();
    } else if (tokens_.skip_name("in")) {
      comparison = Comparison::kIn;
    } else if (tokens_.current().is_name("not") && tokens_.ahead().is_name("in")) {
      tokens_.next();
      tokens_.next();
      comparison = Comparison::kNotIn;
    } else {
      break;
    }
    if (node == nullptr) {
      node = builder_.make<Compare>(position);
      node->first = builder_.adopt(node, first);
    }
    node->rest.emplace_back(*comparison, builder_.adopt(node, parse_sum()));
  }
  return node == nullptr ? first : node;
}

Binary* ExpressionParser::make_binary(std::uint32_t position, BinaryOperator op, const Expression* left,
                                      const Expression* right) {
  auto* node = builder_.make<Binary>(position);
  node->op = op;
  node->left = builder_.adopt(node, left);
  node->right = builder_.adopt(node, right);
  return node;
}

// Neighbouring quoted texts of a chain are joined here, once, instead of in every render.
const Expression* ExpressionParser::parse_sum() {
  const Expression* left = parse_concat();
  Items* chain = nullptr;
  while (tokens_.current().is_operator("+") || tokens_.current().is_operator("-")) {
    std::uint32_t position = tokens_.position();
    bool add = tokens_.next().text == "+";
    const Expression* right = parse_concat();
    if (!add) {
      left = make_binary(position, BinaryOperator::kSubtract, left, right);
      chain = nullptr;
      continue;
    }
    const Expression* previous = chain != nullptr ? chain->items.back() : left;
    if (is_text_constant(previous) && is_text_constant(right)) {
      std::string joined(static_cast<const Constant*>(previous)->value.view());
      joined += static_cast<const Constant*>(right)->value.view();
      const Expression* constant = builder_.text_constant(previous->position, std::move(joined));
      (chain != nullptr ? chain->items.back() : left) = constant;
      continue;
    }
    if (chain == nullptr) {
      chain = builder_.make<Items>(ExpressionKind::kSum, position);
      add_item(chain, left);
      left = chain;
    }
    add_item(chain, right);
  }
  return left;
}

const Expression* ExpressionParser::parse_concat() {
  const Expression* left = parse_product();
  if (!tokens_.current().is_operator("~")) return left;
  auto* chain = builder_.make<Items>(ExpressionKind::kConcat, tokens_.position());
  add_item(chain, left);
  while (tokens_.skip_operator("~")) add_item(chain, parse_product());
  return chain;
}

const Expression* ExpressionParser::parse_product() {
  constexpr std::array<std::pair<std::string_view, BinaryOperator>, 4> kOperators = {{
      {"*", BinaryOperator::kMultiply},
      {"/", BinaryOperator::kDivide},
      {"//", BinaryOperator::kFloorDivide},
      {"%", BinaryOperator::kModulo},
  }};
  const Expression* left = parse_power();
  while (true) {
    std::optional<BinaryOperator> found;
    for (const auto& [text, op] : kOperators) {
      if (tokens_.current().is_operator(text)) found = op;
    }
    if (!found) return left;
    std::uint32_t position = tokens_.position();
    tokens_.next();
    left = make_binary(position, *found, left, parse_power());
  }
}

const Expression* ExpressionParser::parse_power() {
  const Expression* left = parse_unary();
  while (tokens_.current().is_operator("**")) {
    std::uint32_t position = tokens_.position();
    tokens_.next();
    left = make_binary(position, BinaryOperator::kPower, left, parse_unary());
  }
  return left;
}

const Expression* ExpressionParser::parse_unary(bool with_filters) {
  const Token& token = tokens_.current();
  const Expression* node = nullptr;
  if (token.is_operator("-") || token.is_operator("+")) {
    Nested nested(nesting_, tokens_.position());
    auto kind = token.is_operator("-") ? ExpressionKind::kNegative : ExpressionKind::kPositive;
    auto* unary = builder_.make<Unary>(kind, tokens_.position());
    tokens_.next();
    unary->operand = builder_.adopt(unary, parse_unary(false));
    node = unary;
  } else {
    node = parse_primary();
  }
  node = parse_postfix(node);
  return with_filters ? parse_filters(node) : node;
}

const Expression* ExpressionParser::parse_filters(const Expression* node) {
  while (true) {
    if (tokens_.current().is_operator("|")) {
      node = parse_filter(node);
    } else if (tokens_.current().is_name("is")) {
      node = parse_test(node);
    } else if (tokens_.current().is_operator("(")) {
      node = parse_call(node);
    } else {
      return node;
    }
  }
}

const Expression* ExpressionParser::parse_filter(const Expression* input) {
  tokens_.expect_operator("|");
  auto* node = builder_.make<Filter>(tokens_.position());
  node->name = tokens_.expect_name();
  node->function = find_filter(node->name, node->position);
  node->input = builder_.adopt(node, input);
  if (tokens_.current().is_operator("(")) node->arguments = parse_arguments();
  builder_.adopt(node, node->arguments);
  return node;
}

std::vector<const Filter*> ExpressionParser::parse_filter_chain() {
  std::vector<const Filter*> chain;
  do {
    auto* node = builder_.make<Filter>(tokens_.position());
    node->name = tokens_.expect_name();
    node->function = find_filter(node->name, node->position);
    if (tokens_.current().is_operator("(")) node->arguments = parse_arguments();
    builder_.adopt(node, node->arguments);
    chain.push_back(node);
  } while (tokens_.skip_operator("|"));
  return chain;
}

const Expression* ExpressionParser::parse_test(const Expression* input) {
  tokens_.next();
  auto* node = builder_.make<Test>(tokens_.position());
  node->negated = tokens_.skip_name("not");
  node->position = tokens_.position();
  node->name = tokens_.expect_name();
  node->function = find_test(node->name, node->position);
  node->input = builder_.adopt(node, input);
  if (tokens_.current().is_operator("(")) {
    node->arguments = parse_arguments();
  } else {
    parse_test_argument(node->arguments);
  }
  builder_.adopt(node, node->arguments);
  return node;
}

// "x is divisibleby 3": one argument may follow without brackets.
void ExpressionParser::parse_test_argument(ArgumentList& list) {
  const Token& token = tokens_.current();
  bool literal = token.kind == TokenKind::kName || token.kind == TokenKind::kString ||
                 token.kind == TokenKind::kInteger || token.kind == TokenKind::kFloat ||
                 token.is_operator("[") || token.is_operator("{");
  bool word = token.is_name("else") || token.is_name("or") || token.is_name("and") || token.is_name("in") ||
              token.is_name("not") || token.is_name("if");
  if (!literal || word) return;
  if (token.is_name("is")) tokens_.fail("tests cannot be chained with 'is'");
  Nested nested(nesting_, tokens_.position());
  list.positional.push_back(parse_postfix(parse_primary()));
}

}  // namespace caravan::data::jinja
