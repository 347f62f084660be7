// Parses expressions with jinja2's precedence. Recursion is bounded by nesting, never by length.
#pragma once

#include <cstdint>

#include "data/chat/jinja_syntax.h"
#include "data/chat/jinja_token_stream.h"
#include "data/chat/jinja_tree_builder.h"

namespace caravan::data::jinja {

class ExpressionParser {
 public:
  ExpressionParser(TokenStream& tokens, TreeBuilder& builder) : tokens_(tokens), builder_(builder) {}

  // `with_conditional` false: stops before "if", as the items of a for loop need it.
  const Expression* parse(bool with_conditional = true);
  // One expression, or several with commas between them: a tuple.
  const Expression* parse_tuple(bool with_conditional = true);
  // "name(arguments) | name ..." with no input before it.
  std::vector<const Filter*> parse_filter_chain();

 private:
  const Expression* parse_conditional();
  const Expression* parse_or();
  const Expression* parse_and();
  const Expression* parse_not();
  const Expression* parse_compare();
  const Expression* parse_sum();
  const Expression* parse_concat();
  const Expression* parse_product();
  const Expression* parse_power();
  const Expression* parse_unary(bool with_filters = true);
  const Expression* parse_primary();
  const Expression* parse_postfix(const Expression* node);
  const Expression* parse_filters(const Expression* node);
  const Expression* parse_filter(const Expression* input);
  const Expression* parse_test(const Expression* input);
  const Expression* parse_dot(const Expression* object);
  const Expression* parse_subscript(const Expression* object);
  const Expression* parse_call(const Expression* callee);
  const Expression* parse_name();
  const Expression* parse_number();
  const Expression* parse_parenthesis();
  const Expression* parse_list();
  const Expression* parse_dict();
  ArgumentList parse_arguments();
  void parse_argument(ArgumentList& list);
  Binary* make_binary(std::uint32_t position, BinaryOperator op, const Expression* left,
                      const Expression* right);
  void add_item(Items* chain, const Expression* item);
  bool at_tuple_end() const;
  void parse_test_argument(ArgumentList& list);

  TokenStream& tokens_;
  TreeBuilder& builder_;
  std::uint32_t nesting_ = 0;
};

}  // namespace caravan::data::jinja
