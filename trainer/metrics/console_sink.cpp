#include "trainer/metrics/console_sink.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace caravan::trainer {
namespace {

constexpr std::chrono::milliseconds kRedrawInterval{100};
constexpr std::size_t kRecentSteps = 50;
constexpr std::size_t kMinimumBar = 8;
constexpr std::size_t kMaximumBar = 30;

std::optional<double> find_value(std::span<const MetricValue> values, std::string_view name) {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const MetricValue& v) { return v.name == name; });
  if (found == values.end()) return std::nullopt;
  return found->value;
}

std::string with_thousands(double value) {
  if (!std::isfinite(value) || std::abs(value) >= 1e15) return format_value(value);
  std::string digits = std::to_string(std::llround(value));
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string fixed(double value, const char* format) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

struct Field {
  std::string text;
  int importance = 0;  // the least important goes first where the line is too long
};

std::vector<Field> progress_fields(const ProgressLine& progress) {
  std::vector<Field> fields;
  fields.push_back({std::to_string(progress.step) + "/" + std::to_string(progress.total_steps), 10});
  if (const auto loss = find_value(progress.values, "train/loss"))
    fields.push_back({"loss " + fixed(*loss, "%.4f"), 9});
  if (const auto norm = find_value(progress.values, "train/grad_norm"))
    fields.push_back({"grad " + fixed(*norm, "%.3g"), 5});
  if (const auto rate = find_value(progress.values, "train/learning_rate"))
    fields.push_back({"lr " + fixed(*rate, "%.2g"), 3});
  if (const auto speed = find_value(progress.values, "speed/tokens_per_second")) {
    fields.push_back({with_thousands(*speed) + " tok/s", 6});
  }
  if (!progress.time_left.empty()) fields.push_back({"ETA " + progress.time_left, 8});
  return fields;
}

std::string draw_bar(double done, std::size_t width, bool unicode) {
  const auto full = static_cast<std::size_t>(std::floor(done * static_cast<double>(width)));
  std::string bar;
  for (std::size_t i = 0; i < width; ++i) {
    if (unicode) {
      bar += i < full ? "━" : "┄";
    } else {
      bar += i < full ? '=' : (i == full ? '>' : '.');
    }
  }
  return bar;
}

}  // namespace

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto whole = static_cast<long long>(std::min(seconds + 0.5, 1e12));
  const long long days = whole / 86400;
  const long long hours = whole / 3600 % 24;
  const long long minutes = whole / 60 % 60;
  char text[64];
  if (days > 0) {
    std::snprintf(text, sizeof text, "%lld d %02lld:%02lld", days, hours, minutes);
  } else if (hours > 0) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", hours, minutes, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%02lld:%02lld", minutes, whole % 60);
  }
  return text;
}

std::string format_value(double value) {
  return fixed(value, "%.5g");
}

std::string draw_progress(const ProgressLine& progress, int columns, bool unicode) {
  const double total = static_cast<double>(std::max<std::int64_t>(1, progress.total_steps));
  const double done = std::clamp(static_cast<double>(progress.step) / total, 0.0, 1.0);
  const std::string percent = fixed(std::floor(done * 100), "%3.0f%%");
  std::vector<Field> fields = progress_fields(progress);
  const auto widest = static_cast<std::size_t>(std::max(1, columns - 1));
  const auto length = [&] {
    std::size_t sum = percent.size();
    for (const Field& field : fields) sum += 2 + field.text.size();
    return sum;
  };
  while (!fields.empty() && length() > widest) {
    fields.erase(std::min_element(fields.begin(), fields.end(), [](const Field& a, const Field& b) {
      return a.importance < b.importance;
    }));
  }
  std::string line = percent;
  if (widest >= length() + kMinimumBar + 1) {
    line += " " + draw_bar(done, std::min(widest - length() - 1, kMaximumBar), unicode);
  }
  for (const Field& field : fields) line += "  " + field.text;
  return line;
}

ConsoleSink::ConsoleSink(Terminal& terminal, const ConsoleOptions& options, Clock clock)
    : terminal_(terminal),
      options_(options),
      clock_(std::move(clock)),
      last_drawn_(clock_() - kRedrawInterval) {
  recent_.emplace_back(options_.first_step - 1, clock_());
}

void ConsoleSink::note_time(std::int64_t step) {
  recent_.emplace_back(step, clock_());
  if (recent_.size() > kRecentSteps) recent_.pop_front();
}

std::string ConsoleSink::time_left(std::int64_t step) const {
  const auto& [first_step, first_time] = recent_.front();
  const auto& [last_step, last_time] = recent_.back();
  if (last_step <= first_step || options_.total_steps <= 0) return "";
  const double seconds = std::chrono::duration<double>(last_time - first_time).count();
  const auto steps_left = static_cast<double>(std::max<std::int64_t>(0, options_.total_steps - step));
  return format_duration(seconds / static_cast<double>(last_step - first_step) * steps_left);
}

void ConsoleSink::write(std::int64_t step, std::span<const MetricValue> values) {
  const bool is_training = find_value(values, "train/loss").has_value();
  if (is_training) note_time(step);
  const bool is_last = step == options_.total_steps;
  if (is_training && terminal_.options().redraw) {
    if (clock_() - last_drawn_ < kRedrawInterval && !is_last) return;
    last_drawn_ = clock_();
    const ProgressLine progress{step, options_.total_steps, time_left(step), values};
    terminal_.set_status(draw_progress(progress, terminal_.columns(), terminal_.options().unicode));
    if (is_last) terminal_.finish_status();
    return;
  }
  const std::int64_t log_every = std::max<std::int64_t>(1, options_.log_every);
  if (is_training && step != options_.first_step && step % log_every != 0 && !is_last) return;
  std::string line = "step " + std::to_string(step) + "/" + std::to_string(options_.total_steps);
  for (const MetricValue& metric : values) {
    // The area is told by the line: train and speed of a training row need no prefix.
    std::string_view name = metric.name;
    if (is_training) name.remove_prefix(name.find('/') == std::string_view::npos ? 0 : name.find('/') + 1);
    line += "  " + std::string(name) + " " + format_value(metric.value);
  }
  if (is_training && !is_last) line += "  eta " + time_left(step);
  terminal_.print(line);
}

}  // namespace caravan::trainer
