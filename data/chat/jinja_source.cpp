#include "data/chat/jinja_source.h"

#include <algorithm>
#include <utility>

#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

constexpr std::size_t kWindowChars = 100;

// The part of `line` around `column` (characters from 0) and how far the caret stands from its start.
std::pair<std::string, std::size_t> window(std::string_view line, std::size_t column) {
  std::size_t length = count_chars(line);
  if (length <= kWindowChars) return {std::string(line), column};
  std::size_t first = column > kWindowChars / 2 ? column - kWindowChars / 2 : 0;
  std::size_t last = std::min(length, first + kWindowChars);
  std::size_t begin = byte_of_char(line, first);
  std::string text(line.substr(begin, byte_of_char(line, last) - begin));
  std::size_t caret = column - first;
  if (first > 0) {
    text = "..." + text;
    caret += 3;
  }
  if (last < length) text += "...";
  return {text, caret};
}

}  // namespace

Source::Source(std::string_view text, std::string name) : name_(std::move(name)) {
  text_.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      text_ += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else {
      text_ += text[i];
    }
  }
  if (!text_.empty() && text_.back() == '\n') text_.pop_back();
}

Error Source::error_at(std::size_t position, const std::string& message, const std::string& advice) const {
  position = std::min(position, text_.size());
  std::string_view before = std::string_view(text_).substr(0, position);
  std::size_t row = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  std::size_t newline = before.rfind('\n');
  std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  std::size_t line_end = std::min(text_.find('\n', position), text_.size());
  std::size_t column = count_chars(before.substr(line_begin));
  auto [line, caret] = window(std::string_view(text_).substr(line_begin, line_end - line_begin), column);
  std::string full = name_ + ":" + std::to_string(row) + ":" + std::to_string(column + 1) + ": " + message +
                     "\n  " + line + "\n  " + std::string(caret, ' ') + "^";
  if (!advice.empty()) full += "\n" + advice;
  return Error(Error::Kind::kData, full);
}

}  // namespace caravan::data::jinja
