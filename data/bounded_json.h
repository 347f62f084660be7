// JSON that anybody may have written, as a document of bounded depth: copying, comparing and writing one
// recurse, and a text of brackets alone would take the whole stack.
#pragma once

#include <istream>
#include <iterator>
#include <string>
#include <string_view>

#include "data/message.h"

namespace caravan::data {

inline constexpr std::size_t kMaxJsonLevels = 256;

// Whether brackets outside of texts are nested deeper than `levels`. Any bytes; stops at the first that are.
inline bool is_nested_deeper(std::string_view text, std::size_t levels = kMaxJsonLevels) {
  std::size_t level = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
      continue;
    }
    if (c == '"') in_text = true;
    if ((c == '[' || c == '{') && ++level > levels) return true;
    if ((c == ']' || c == '}') && level > 0) --level;
  }
  return false;
}

// is_discarded() where the text is no JSON, or nested too deep.
template <class Document = Json>
Document parse_bounded_json(std::string_view text) {
  if (is_nested_deeper(text)) return Document(Document::value_t::discarded);
  return Document::parse(text, nullptr, false);
}

template <class Document = Json>
Document parse_bounded_json(std::istream& in) {
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_bounded_json<Document>(text);
}

}  // namespace caravan::data
