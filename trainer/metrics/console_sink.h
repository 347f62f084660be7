// Progress for a person: on a terminal one bar line that is redrawn and fits its width, elsewhere a plain
// line every `log_every` steps. Both show the few numbers that one watches; all of them are in metrics.jsonl.
// Evaluation rows are always lines of their own. Quiet terminals show nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "trainer/metrics/sink.h"
#include "trainer/metrics/terminal.h"

namespace caravan::trainer {

struct ConsoleOptions {
  std::int64_t num_steps = 0;
  std::int64_t first_step = 1;  // the first that this run does: the next after the checkpoint it goes on from
  std::int64_t log_every = 10;  // steps between plain lines; the first and the last step have one too
  std::function<void(const std::string&)> record = {};  // gets the plain lines, whatever the terminal shows
};

// What one line shows of a step: those of the values that people follow, with their names.
struct ProgressLine {
  std::int64_t step = 0;
  std::int64_t num_steps = 0;
  std::string time_left;  // of training alone: "03:21", or empty
  std::span<const MetricValue> values;
  std::string activity = {};  // "evaluating 40/99": shown in place of the time left
};
// The bar line for `columns` columns: what matters least is left out first, and the bar takes what is left.
std::string draw_progress(const ProgressLine& progress, int columns, bool unicode);
// The same as a line of a log: whole, without a bar.
std::string plain_progress(const ProgressLine& progress);

class ConsoleSink : public Sink {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  // The terminal must outlive the sink. On a terminal the bar is drawn at once.
  ConsoleSink(Terminal& terminal, const ConsoleOptions& options,
              Clock clock = std::chrono::steady_clock::now);

  // Values with train/loss are a training step, others an evaluation.
  void write(std::int64_t step, std::span<const MetricValue> values) override;
  void flush() override {}
  // What the bar says is going on until the next step, or until the empty text.
  void set_activity(const std::string& text);

 private:
  void write_progress(std::int64_t step, std::span<const MetricValue> values);
  void write_evaluation(std::int64_t step, std::span<const MetricValue> values);
  void draw(const ProgressLine& progress);
  void redraw();
  void note_time(std::int64_t step, std::span<const MetricValue> values);
  std::string time_left(std::int64_t step) const;

  Terminal& terminal_;
  ConsoleOptions options_;
  Clock clock_;
  std::chrono::steady_clock::time_point last_drawn_, last_step_;
  std::deque<double> recent_;  // seconds of the last steps, what lies between them left out
  std::int64_t shown_step_;
  std::vector<MetricValue> shown_values_;
  std::string activity_;
  std::map<std::string, double> last_losses_;  // of evaluations, by name
};

// "1:02:03", "02:03", "3 d 04:05".
std::string format_duration(double seconds);
// Five significant digits at most: "0.8312", "1.2e-06", "5823".
std::string format_value(double value);
// "97,988", rounded to a whole number.
std::string with_thousands(double value);
// "0.7 GiB".
std::string format_gibibytes(double bytes);

}  // namespace caravan::trainer
