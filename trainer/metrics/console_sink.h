// Progress for a person: on a terminal one bar line that is redrawn (loss, gradient norm, tokens/s, time
// left), elsewhere a plain line every `log_every` steps. Evaluation rows are always lines of their own. Quiet
// terminals show nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "trainer/metrics/sink.h"
#include "trainer/metrics/terminal.h"

namespace caravan::trainer {

struct ConsoleOptions {
  std::int64_t total_steps = 0;
  std::int64_t first_step = 1;  // the first that this run does: the next after the checkpoint it goes on from
  std::int64_t log_every = 10;  // steps between plain lines
};

class ConsoleSink : public Sink {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // The terminal must outlive the sink.
  ConsoleSink(Terminal& terminal, const ConsoleOptions& options,
              Clock clock = std::chrono::steady_clock::now);

  void write(std::int64_t step, std::span<const MetricValue> values) override;
  void flush() override {}

 private:
  void note_time(std::int64_t step);
  std::string time_left(std::int64_t step) const;

  Terminal& terminal_;
  ConsoleOptions options_;
  Clock clock_;
  std::chrono::steady_clock::time_point last_drawn_;
  std::deque<std::pair<std::int64_t, std::chrono::steady_clock::time_point>> recent_;
};

// The bar line for `columns` columns: what matters least is left out first, and the bar takes what is left.
struct ProgressLine {
  std::int64_t step = 0;
  std::int64_t total_steps = 0;
  std::string time_left;  // "03:21", or empty
  std::span<const MetricValue> values;
};
std::string draw_progress(const ProgressLine& progress, int columns, bool unicode);

// "1:02:03", "02:03", "3 d 04:05".
std::string format_duration(double seconds);
// Five significant digits at most: "0.8312", "1.2e-06", "5823".
std::string format_value(double value);

}  // namespace caravan::trainer
