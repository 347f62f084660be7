// Log lines: all of them to a file with time and level, what a person should see to the terminal.
//
// Rank 0 shows everything; other ranks show warnings and errors only, marked with their rank, and write to a
// file of their own (log_rank_00003.txt beside log.txt), made at their first line. Safe to call from several
// threads.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "trainer/metrics/append_file.h"
#include "trainer/metrics/terminal.h"

namespace caravan::trainer {

class Log {
 public:
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  // `file`: log.txt of the run directory, or empty for no file. The terminal must outlive the log.
  Log(Terminal& terminal, std::filesystem::path file, int rank = 0,
      Clock clock = std::chrono::system_clock::now);

  // Throw Error (input/output) where the file cannot take the line.
  void info(std::string_view text);
  void warn(std::string_view text);
  // To the file only: what helps to explain a run afterwards.
  void detail(std::string_view text);
  // The error that ends the run, to the file only: the program prints it too. Never throws.
  void record_error(std::string_view text) noexcept;
  // The last words of a run: never throws, a full disk included.
  void error(std::string_view text) noexcept;

  // Everything written so far is on the disk.
  void flush();

 private:
  void write_line(std::string_view level, std::string_view text);
  void show(std::string_view level, std::string_view text, Terminal::Tone tone);

  Terminal& terminal_;
  std::filesystem::path path_;
  int rank_;
  Clock clock_;
  std::mutex mutex_;
  std::optional<AppendFile> file_;
};

// "2026-01-31T12:00:05.123Z".
std::string format_utc(std::chrono::system_clock::time_point time);

}  // namespace caravan::trainer
