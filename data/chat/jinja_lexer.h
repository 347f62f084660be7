// Cuts a template into text and tokens, with jinja2's white space rules under trim_blocks and lstrip_blocks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/jinja_source.h"

namespace caravan::data::jinja {

enum class TokenKind {
  kText,         // outside of tags; `text` is what the output gets
  kBlockBegin,   // {%
  kBlockEnd,     // %}
  kOutputBegin,  // {{
  kOutputEnd,    // }}
  kName,
  kString,  // `text` is the value, escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  std::size_t position = 0;

  bool is(TokenKind k, std::string_view t) const { return kind == k && text == t; }
  bool is_operator(std::string_view t) const { return is(TokenKind::kOperator, t); }
  bool is_name(std::string_view t) const { return is(TokenKind::kName, t); }
};

// Linear in the length of the template. Throws PlacedFault.
std::vector<Token> read_tokens(const Source& source);

}  // namespace caravan::data::jinja
