#include "trainer/metrics/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

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
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
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
  if (!status_.empty()) out += "\r\x1b[K";
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
