#include "recipes/commands/show_tokens.h"

#include <array>
#include <cstdio>
#include <ostream>

#include "data/tokenizers/unicode.h"

namespace caravan::recipes {
namespace {

constexpr std::string_view kLineEnd = "\xe2\x86\xb5";

std::string spell_byte(unsigned char byte) {
  char text[8];
  std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
  return text;
}

// A token's text so that all of it can be seen; line ends are spelt out here and kept by show_tokens.
std::string spell(std::string_view token) {
  std::string text;
  while (!token.empty()) {
    const auto byte = static_cast<unsigned char>(token[0]);
    const std::size_t length = data::announced_length(byte);
    const bool whole =
        length <= token.size() && data::find_invalid_utf8(token.substr(0, length)) == std::string_view::npos;
    if (!whole) {
      text += spell_byte(byte);
      token.remove_prefix(1);
      continue;
    }
    // U+0080..U+009F are controls too: some terminals take U+009B for ESC [.
    const bool c1 = byte == 0xc2 && length == 2 && static_cast<unsigned char>(token[1]) < 0xa0;
    if (c1) {
      text += spell_byte(byte) + spell_byte(static_cast<unsigned char>(token[1]));
    } else if (byte == '\n') {
      text += kLineEnd;
    } else if (byte == '\t') {
      text += "\xe2\x87\xa5";
    } else if (byte < 0x20 || byte == 0x7f) {
      text += spell_byte(byte);  // an escape of the text must not reach the terminal
    } else {
      text += token.substr(0, length);
    }
    token.remove_prefix(length);
  }
  return text;
}

}  // namespace

void show_tokens(const data::Tokenizer& tokenizer, std::span<const std::int32_t> ids,
                 std::span<const std::uint8_t> mask, bool color, std::ostream& out) {
  // Four backgrounds that black text reads on.
  constexpr std::array<std::string_view, 4> kColours = {"\x1b[30;48;5;153m", "\x1b[30;48;5;223m",
                                                        "\x1b[30;48;5;194m", "\x1b[30;48;5;225m"};
  constexpr std::string_view kTrained = "\x1b[1;4m", kReset = "\x1b[0m";
  std::size_t num_trained = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string text = spell(tokenizer.token_text(ids[i]));
    const bool trained = i < mask.size() && mask[i] != 0;
    num_trained += trained;
    if (color) {
      out << kColours[i % kColours.size()] << (trained ? kTrained : "") << text << kReset;
    } else {
      out << (i > 0 ? "|" : "") << (trained ? "[[" : "") << text << (trained ? "]]" : "");
    }
    // After the reset: a terminal would paint the rest of the line in the token's colour.
    if (text.ends_with(kLineEnd)) out << '\n';
  }
  out << '\n' << ids.size() << (ids.size() == 1 ? " token" : " tokens");
  if (!mask.empty()) out << ", " << num_trained << " trained";
  out << "\n\n";
}

}  // namespace caravan::recipes
