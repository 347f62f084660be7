#include "trainer/metrics/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace caravan::trainer {
namespace {

constexpr int kDefaultColumns = 80;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool locale_is_utf8() {
  std::string_view locale;
  // The first that is set wins, as in setlocale.
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    locale = environment(name);
    if (!locale.empty()) break;
  }
  std::string lower(locale);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0u) == 0x80u;
}

// The first byte and those that continue it; at least one byte, whatever stands there.
std::size_t character_bytes(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < text.size() && bytes < 4 && is_continuation(text[bytes])) ++bytes;
  return bytes;
}

char32_t code_point(std::string_view character) {
  constexpr std::array<unsigned char, 5> kOfLead{0, 0x7f, 0x1f, 0x0f, 0x07};
  char32_t code = static_cast<unsigned char>(character[0]) & kOfLead[character.size()];
  for (const char c : character.substr(1)) code = (code << 6) | (static_cast<unsigned char>(c) & 0x3fu);
  return code;
}

// East Asian Width W and F in whole blocks: a block with a few narrow characters costs a status line a
// column, one left out would wrap it.
bool is_wide(char32_t code) {
  constexpr std::array<std::pair<char32_t, char32_t>, 12> kWide{{{0x1100, 0x115f},
                                                                 {0x2e80, 0x303e},
                                                                 {0x3041, 0xa4cf},
                                                                 {0xa960, 0xa97f},
                                                                 {0xac00, 0xd7a3},
                                                                 {0xf900, 0xfaff},
                                                                 {0xfe30, 0xfe6f},
                                                                 {0xff00, 0xff60},
                                                                 {0xffe0, 0xffe6},
                                                                 {0x1f300, 0x1f6ff},
                                                                 {0x1f900, 0x1faff},
                                                                 {0x20000, 0x3fffd}}};
  return std::any_of(kWide.begin(), kWide.end(),
                     [code](const auto& block) { return code >= block.first && code <= block.second; });
}

std::string without_controls(std::string_view text) {
  std::string clean(text);
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto c = static_cast<unsigned char>(clean[i]);
    // U+0080..U+009F are controls too: some terminals take U+009B for ESC [.
    const bool c1 = c == 0xc2 && i + 1 < clean.size() && static_cast<unsigned char>(clean[i + 1]) < 0xa0;
    if (c1) clean[i] = clean[i + 1] = '?';
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) clean[i] = '?';
  }
  return clean;
}

std::string_view color_code(Terminal::Tone tone) {
  switch (tone) {
    case Terminal::Tone::kDim:
      return "\x1b[2m";
    case Terminal::Tone::kWarning:
      return "\x1b[33m";
    case Terminal::Tone::kError:
      return "\x1b[31m";
    case Terminal::Tone::kPlain:
      break;
  }
  return "";
}

}  // namespace

TerminalOptions detect_terminal(int descriptor, bool quiet) {
  TerminalOptions options;
  options.descriptor = descriptor;
  options.quiet = quiet;
  const std::string_view kind = environment("TERM");
  options.redraw = ::isatty(descriptor) == 1 && !kind.empty() && kind != "dumb";
  options.color = options.redraw && environment("NO_COLOR").empty();
  options.unicode = locale_is_utf8();
  return options;
}

std::size_t display_columns(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    columns += is_wide(code_point(text.substr(0, bytes))) ? 2 : 1;
    text.remove_prefix(bytes);
  }
  return columns;
}

Terminal::~Terminal() {
  finish_status();
}

int Terminal::columns() const {
  if (options_.columns > 0) return options_.columns;
  winsize size{};
  if (::ioctl(options_.descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kDefaultColumns;
}

void Terminal::erase_status(std::string& out) const {
  if (status_.empty()) return;
  // Who asks for no colour may well read what we write with something that knows no escape at all.
  if (options_.color)
    out += "\r\x1b[K";
  else
    out += '\r' + std::string(display_columns(status_), ' ') + '\r';
}

void Terminal::put(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(options_.descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void Terminal::print(std::string_view text, Tone tone) {
  const std::lock_guard lock(mutex_);
  if (options_.quiet && tone != Tone::kWarning && tone != Tone::kError) return;
  std::string out;
  erase_status(out);
  const std::string_view color = options_.color ? color_code(tone) : "";
  out += color;
  out += without_controls(text);
  if (!color.empty()) out += "\x1b[0m";
  out += '\n';
  out += status_;
  put(out);
}

void Terminal::set_status(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!options_.redraw || options_.quiet) return;
  std::string out;
  erase_status(out);
  std::string clean = without_controls(text);
  // A line as wide as the window would wrap and could not be taken back.
  const auto widest = static_cast<std::size_t>(std::max(1, columns() - 1));
  while (display_columns(clean) > widest) {
    while (is_continuation(clean.back())) clean.pop_back();
    clean.pop_back();
  }
  out += clean;
  status_ = std::move(clean);
  put(out);
}

void Terminal::finish_status() {
  const std::lock_guard lock(mutex_);
  if (status_.empty()) return;
  status_.clear();
  put("\n");
}

}  // namespace caravan::trainer
