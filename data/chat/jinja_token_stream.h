// The tokens of a template, read one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_lexer.h"

namespace caravan::data::jinja {

class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  std::uint32_t position() const { return static_cast<std::uint32_t>(current().position); }

  const Token& next() {
    const Token& token = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool skip_operator(std::string_view text) { return skip(current().is_operator(text)); }
  bool skip_name(std::string_view text) { return skip(current().is_name(text)); }

  void expect_operator(std::string_view text) {
    if (!skip_operator(text)) fail("expected '" + std::string(text) + "'");
  }
  std::string expect_name() {
    if (current().kind != TokenKind::kName) fail("expected a name");
    return next().text;
  }
  void expect(TokenKind kind, std::string_view spelled) {
    if (!skip(current().kind == kind)) fail("expected '" + std::string(spelled) + "'");
  }

  [[noreturn]] void fail(const std::string& expected) const {
    throw PlacedFault(current().position, expected + ", found " + describe(current()));
  }

 private:
  bool skip(bool matches) {
    if (matches) next();
    return matches;
  }

  static std::string describe(const Token& token) {
    switch (token.kind) {
      case TokenKind::kText:
        return "text";
      case TokenKind::kEnd:
        return "the end of the template";
      case TokenKind::kString:
        return "a quoted text";
      default:
        return "'" + token.text + "'";
    }
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace caravan::data::jinja
