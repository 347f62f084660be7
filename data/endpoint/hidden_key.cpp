#include "data/endpoint/hidden_key.h"

#include <charconv>

namespace caravan::data {
namespace {

// Three levels of JSON in JSON write seven; without a limit a text of backslashes would take quadratic time.
constexpr std::size_t kMaxBackslashes = 7;

// How a JSON string may write `wanted` where `text` begins: bytes taken, 0 where it is something else.
std::size_t take_character(std::string_view text, char wanted) {
  std::size_t at = 0;
  while (at < text.size() && at < kMaxBackslashes && text[at] == '\\') ++at;
  if (wanted == '\\') return at;
  if (at > 0 && at + 5 <= text.size() && text[at] == 'u') {
    unsigned code = 0;
    const char* const digits = text.data() + at + 1;
    if (std::from_chars(digits, digits + 4, code, 16).ptr == digits + 4)
      return code == static_cast<unsigned char>(wanted) ? at + 5 : 0;
  }
  return at < text.size() && text[at] == wanted ? at + 1 : 0;
}

std::size_t take_key(std::string_view text, std::string_view key) {
  if (text.starts_with(key)) return key.size();
  std::size_t at = 0;
  for (std::size_t i = 0; i < key.size(); ++i) {
    // A run of them is one to take_character.
    if (i > 0 && key[i] == '\\' && key[i - 1] == '\\') continue;
    const std::size_t taken = take_character(text.substr(at), key[i]);
    if (taken == 0) return 0;
    at += taken;
  }
  return at;
}

}  // namespace

bool holds_key(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size() && !key.empty(); ++at)
    if (take_key(text.substr(at), key) > 0) return true;
  return false;
}

std::string blackened(std::string_view text, std::string_view key) {
  if (key.empty()) return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t taken = take_key(text.substr(at), key);
    if (taken > 0)
      out += "[key]";
    else
      out += text[at];
    at += taken > 0 ? taken : 1;
  }
  return out;
}

}  // namespace caravan::data
