// Text that remembers where its bytes came from: building, joining, cutting.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/jinja_value.h"

namespace caravan::data::jinja {

// Grows at the end. Used for the render's output and for every text that is put together from pieces.
class TextBuilder {
 public:
  void append(std::string_view text, Origin origin) {
    if (text.empty()) return;
    text_.append(text);
    add_run(static_cast<std::uint32_t>(text.size()), origin);
  }
  void append(char c, Origin origin) { append(std::string_view(&c, 1), origin); }
  // A string value with the origins of its bytes.
  void append(const Value& string);
  // Bytes [begin, end) of a string value.
  void append(const Value& string, std::size_t begin, std::size_t end);
  // A mark; two that open and close the same thing with nothing between vanish.
  void mark(Mark mark, std::uint32_t message = 0);
  void clear();

  std::size_t size() const { return text_.size(); }
  const std::string& text() const { return text_; }
  const std::vector<Run>& runs() const { return runs_; }
  std::string take_text() { return std::move(text_); }
  // A string value in the arena.
  Value finish(Arena& arena) const;

 private:
  void add_run(std::uint32_t size, Origin origin) {
    if (!runs_.empty() && runs_.back().size != 0 && runs_.back().origin == origin) {
      runs_.back().size += size;
    } else {
      runs_.push_back({size, origin});
    }
  }

  std::string text_;
  std::vector<Run> runs_;
};

// All arguments are strings.
Value concatenate(Arena& arena, std::span<const Value> strings);
// Bytes [begin, end); shares the text of `string`.
Value substring(Arena& arena, const Value& string, std::size_t begin, std::size_t end);
// For HTML; a string that is safe already stays. The result is safe.
Value escape_html(Arena& arena, const Value& string);
// The one origin that all bytes in [begin, end) share, or the least trusted of them.
Origin origin_of(const Value& string, std::size_t begin, std::size_t end);

}  // namespace caravan::data::jinja
