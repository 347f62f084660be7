// JSON that anybody may have written, as a document of bounded depth: copying, comparing and writing one
// recurse, and a text of brackets alone would take the whole stack.
#pragma once

#include <istream>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

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

// Of an object that keeps the order of its members; reading one takes the square of their number.
inline constexpr std::size_t kMaxJsonMembers = 50'000;

// Whether an object outside of texts has more members. Any bytes.
inline bool has_crowded_object(std::string_view text, std::size_t max_members = kMaxJsonMembers) {
  std::vector<std::size_t> members(1, 0);  // of the object or list at each level
  bool in_text = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
      continue;
    }
    if (c == '"') in_text = true;
    if (c == '[' || c == '{') members.push_back(0);
    if ((c == ']' || c == '}') && members.size() > 1) members.pop_back();
    if (c == ':' && ++members.back() > max_members) return true;
  }
  return false;
}

// is_discarded() where the text is no JSON, nested too deep, or an ordered object has too many members.
template <class Document = Json>
Document parse_bounded_json(std::string_view text) {
  const bool is_large =
      is_nested_deeper(text) || (std::is_same_v<Document, Json> && has_crowded_object(text));
  if (is_large) return Document(Document::value_t::discarded);
  return Document::parse(text, nullptr, false);
}

template <class Document = Json>
Document parse_bounded_json(std::istream& in) {
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return parse_bounded_json<Document>(text);
}

}  // namespace caravan::data
