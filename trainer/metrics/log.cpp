#include "trainer/metrics/log.h"

#include <cstdio>
#include <ctime>
#include <utility>

namespace caravan::trainer {
namespace {

std::filesystem::path file_of_rank(const std::filesystem::path& file, int rank) {
  if (rank == 0 || file.empty()) return file;
  char suffix[32];
  std::snprintf(suffix, sizeof suffix, "_rank_%05d", rank);
  return file.parent_path() / (file.stem().string() + suffix + file.extension().string());
}

}  // namespace

std::string format_utc(std::chrono::system_clock::time_point time) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(milliseconds / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(milliseconds % 1000));
  return text;
}

Log::Log(Terminal& terminal, std::filesystem::path file, int rank, Clock clock)
    : terminal_(terminal), path_(file_of_rank(file, rank)), rank_(rank), clock_(std::move(clock)) {}

void Log::write_line(std::string_view level, std::string_view text) {
  if (path_.empty()) return;
  std::string line = format_utc(clock_()) + " " + std::string(level) + " ";
  if (rank_ != 0) line += "[rank " + std::to_string(rank_) + "] ";
  // A text of several lines stays one record: what follows is indented.
  for (const char c : text) {
    line += c;
    if (c == '\n') line += "    ";
  }
  line += '\n';
  const std::lock_guard lock(mutex_);
  if (!file_) file_.emplace(path_);
  file_->write(line);
}

void Log::show(std::string_view level, std::string_view text, Terminal::Tone tone) {
  if (rank_ != 0 && tone == Terminal::Tone::kPlain) return;
  std::string line;
  if (rank_ != 0) line += "[rank " + std::to_string(rank_) + "] ";
  line += level;
  line += text;
  terminal_.print(line, tone);
}

void Log::info(std::string_view text) {
  show("", text, Terminal::Tone::kPlain);
  write_line("info", text);
}

void Log::warn(std::string_view text) {
  show("warning: ", text, Terminal::Tone::kWarning);
  write_line("warning", text);
}

void Log::detail(std::string_view text) {
  write_line("detail", text);
}

void Log::record_error(std::string_view text) noexcept {
  try {
    write_line("error", text);
  } catch (...) {
    // A full disk must not hide what filled it.
  }
}

void Log::error(std::string_view text) noexcept {
  try {
    show("error: ", text, Terminal::Tone::kError);
    write_line("error", text);
  } catch (...) {
    // The terminal has had its line where that was possible.
  }
}

void Log::flush() {
  const std::lock_guard lock(mutex_);
  if (file_) file_->sync();
}

}  // namespace caravan::trainer
