#include "data/readers/json_text.h"

#include "data/readers/json_row.h"

namespace caravan::data {
namespace {

void append_escaped(std::string& out, char c) {
  constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '"':
    case '\\':
      out += {'\\', c};
      break;
    case '\n':
      out += "\\n";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    default:
      out += "\\u00";
      out += {kDigits[static_cast<unsigned char>(c) >> 4], kDigits[static_cast<unsigned char>(c) & 15]};
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0;;) {
    const std::size_t event = find_string_event(text, at);
    out.append(text, at, event - at);
    if (event == text.size()) break;
    append_escaped(out, text[event]);
    at = event + 1;
  }
  out += '"';
}

void append_json_key(std::string& out, std::string_view name) {
  append_json_string(out, name);
  out += ':';
}

}  // namespace caravan::data
