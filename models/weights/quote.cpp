#include "models/weights/quote.h"

namespace caravan::models {

std::string printable(std::string_view text, std::size_t max_bytes) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string result;
  for (const char c : text.substr(0, max_bytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      result += c;
    } else {
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (text.size() > max_bytes) result += "...";
  return result;
}

}  // namespace caravan::models
