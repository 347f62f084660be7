// Where a person watches the run: whole lines, and below them one status line that is redrawn in place.
//
// Lines and status share one writer, so that a log line never lands in the middle of the progress bar.
// Control characters in the text are shown as '?': a data row cannot move the cursor. Failures to write are
// ignored: a closed terminal ends no run. Safe to call from several threads.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

namespace caravan::trainer {

struct TerminalOptions {
  int descriptor = 2;
  bool redraw = false;   // a terminal that can go back to the start of the line
  bool color = false;    // escape sequences may be written; without them a status is wiped by blanks
  bool unicode = false;  // its locale is UTF-8
  bool quiet = false;    // warnings and errors only
  int columns = 0;       // 0: ask the terminal, each time, for people resize it
};

// What the descriptor and the environment (TERM, NO_COLOR, LC_ALL, LC_CTYPE, LANG) allow.
TerminalOptions detect_terminal(int descriptor, bool quiet);

class Terminal {
 public:
  enum class Tone { kPlain, kDim, kWarning, kError };

  explicit Terminal(const TerminalOptions& options) : options_(options) {}
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // One line, or several; the newline at the end is added.
  void print(std::string_view text, Tone tone = Tone::kPlain);
  // Replaces the status line; does nothing unless redraw. The text must fit columns() - 1 and is cut there.
  void set_status(std::string_view text);
  // Leaves the status line as it stands and goes on below it.
  void finish_status();
  int columns() const;
  const TerminalOptions& options() const { return options_; }

 private:
  void erase_status(std::string& out) const;
  void put(std::string_view bytes) const;

  const TerminalOptions options_;
  std::mutex mutex_;
  std::string status_;
};

// Columns that UTF-8 text takes: two for a letter of Korean, Chinese or Japanese, one for any other
// character.
std::size_t display_columns(std::string_view text);

}  // namespace caravan::trainer
