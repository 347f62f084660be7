#include "trainer/metrics/console_sink.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

namespace caravan::trainer {
namespace {

constexpr std::chrono::milliseconds kRedrawInterval{100};
constexpr std::size_t kRecentSteps = 50;
constexpr std::size_t kMinimumBar = 8;
constexpr std::size_t kMaximumBar = 30;
// Fields of less weight give way to the bar, so that it does not come and go with the length of a number.
constexpr int kBarImportance = 5;
constexpr double kGibibyte = 1024.0 * 1024.0 * 1024.0;

std::optional<double> find_value(std::span<const MetricValue> values, std::string_view name) {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const MetricValue& v) { return v.name == name; });
  if (found == values.end()) return std::nullopt;
  return found->value;
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

// What a person follows a run by; the rest of a step's values is in metrics.jsonl.
std::vector<Field> progress_fields(const ProgressLine& progress) {
  std::vector<Field> fields;
  const auto add = [&](std::string_view name, int importance, const auto& text_of) {
    if (const auto value = find_value(progress.values, name)) fields.push_back({text_of(*value), importance});
  };
  fields.push_back({std::to_string(progress.step) + "/" + std::to_string(progress.num_steps), 10});
  add("train/loss", 9,
      [](double loss) { return "loss " + fixed(std::abs(loss) < 5e-5 ? 0.0 : loss, "%.4f"); });
  // What a policy loss, about zero by its making, and a loss on pairs do not tell.
  add("rollout/reward", 9, [](double reward) { return "reward " + fixed(reward, "%.3f"); });
  add("train/rewards/accuracies", 6, [](double share) { return "accuracy " + fixed(share, "%.2f"); });
  add("train/grad_norm", 5, [](double norm) { return "grad_norm " + fixed(norm, "%.3g"); });
  add("train/learning_rate", 4, [](double rate) { return "lr " + fixed(rate, "%.2e"); });
  add("speed/tokens_per_second", 7, [](double speed) { return with_thousands(speed) + " tokens/s"; });
  add("speed/gemm_share", 3, [](double share) { return "gemm " + fixed(share * 100, "%.0f%%"); });
  add("memory/peak_bytes", 2, [](double bytes) { return "peak " + format_gibibytes(bytes); });
  if (!progress.activity.empty())
    fields.push_back({progress.activity, 9});
  else if (!progress.time_left.empty())
    fields.push_back({"ETA " + progress.time_left, 8});
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

std::string plain_progress(const ProgressLine& progress) {
  std::string line = "step";
  for (const Field& field : progress_fields(progress)) line += (line == "step" ? " " : "  ") + field.text;
  return line;
}

std::string with_thousands(double value) {
  if (!std::isfinite(value) || std::abs(value) >= 1e15) return format_value(value);
  std::string digits = std::to_string(std::llround(value));
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

std::string format_gibibytes(double bytes) {
  return fixed(bytes / kGibibyte, bytes < 99.95 * kGibibyte ? "%.1f GiB" : "%.0f GiB");
}

std::string draw_progress(const ProgressLine& progress, int columns, bool unicode) {
  const double total = static_cast<double>(std::max<std::int64_t>(1, progress.num_steps));
  const double done = std::clamp(static_cast<double>(progress.step) / total, 0.0, 1.0);
  const std::string percent = fixed(std::floor(done * 100), "%3.0f%%");
  std::vector<Field> fields = progress_fields(progress);
  const auto widest = static_cast<std::size_t>(std::max(1, columns - 1));
  const auto length = [&] {
    std::size_t sum = percent.size();
    for (const Field& field : fields) sum += 2 + display_columns(field.text);
    return sum;
  };
  const auto least = [&] {
    return std::min_element(fields.begin(), fields.end(),
                            [](const Field& a, const Field& b) { return a.importance < b.importance; });
  };
  while (!fields.empty()) {
    const std::size_t bar = least()->importance < kBarImportance ? kMinimumBar + 1 : 0;
    if (length() + bar <= widest) break;
    fields.erase(least());
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
      last_drawn_(clock_() - kRedrawInterval),
      last_step_(clock_()),
      shown_step_(options_.first_step - 1) {
  // The first step of a large model takes a while: the bar is there before it.
  if (terminal_.options().redraw) redraw();
}

void ConsoleSink::redraw() {
  draw({shown_step_, options_.num_steps, time_left(shown_step_), shown_values_, activity_});
}

void ConsoleSink::set_activity(const std::string& text) {
  const bool changes_kind = text.empty() != activity_.empty();
  activity_ = text;
  if (!terminal_.options().redraw) return;
  const auto now = clock_();
  if (now - last_drawn_ < kRedrawInterval && !changes_kind) return;
  last_drawn_ = now;
  redraw();
}

void ConsoleSink::draw(const ProgressLine& progress) {
  terminal_.set_status(draw_progress(progress, terminal_.columns(), terminal_.options().unicode));
}

// A step knows its own time; what the clock says has evaluations and checkpoints in it.
void ConsoleSink::note_time(std::int64_t step, std::span<const MetricValue> values) {
  const auto now = clock_();
  const double since = std::chrono::duration<double>(now - last_step_).count();
  recent_.push_back(find_value(values, "speed/step_seconds").value_or(since));
  if (recent_.size() > kRecentSteps) recent_.pop_front();
  last_step_ = now;
  shown_step_ = step;
  shown_values_.assign(values.begin(), values.end());
  activity_.clear();
}

std::string ConsoleSink::time_left(std::int64_t step) const {
  const std::int64_t steps_left = options_.num_steps - step;
  // Behind the last step there may still be an evaluation and a checkpoint.
  if (recent_.empty() || steps_left <= 0) return "";
  const double seconds = std::accumulate(recent_.begin(), recent_.end(), 0.0);
  return format_duration(seconds / static_cast<double>(recent_.size()) * static_cast<double>(steps_left));
}

void ConsoleSink::write_progress(std::int64_t step, std::span<const MetricValue> values) {
  const bool is_last = step == options_.num_steps;
  if (terminal_.options().redraw && (clock_() - last_drawn_ >= kRedrawInterval || is_last)) {
    last_drawn_ = clock_();
    redraw();
  }
  const std::int64_t log_every = std::max<std::int64_t>(1, options_.log_every);
  if (step != options_.first_step && step % log_every != 0 && !is_last) return;
  const std::string line = plain_progress({step, options_.num_steps, time_left(step), values});
  if (!terminal_.options().redraw) terminal_.print(line);
  if (options_.record) options_.record(line);
}

// "step 200/1000  eval  loss 1.2345 (was 1.4012)  documents 400": one word for the area, then its quantities.
void ConsoleSink::write_evaluation(std::int64_t step, std::span<const MetricValue> values) {
  std::string line = "step " + std::to_string(step) + "/" + std::to_string(options_.num_steps);
  std::string_view area;
  for (const MetricValue& metric : values) {
    const std::string_view name = metric.name;
    const std::size_t slash = std::min(name.find('/'), name.size());
    if (name.substr(0, slash) != area && slash < name.size()) {
      area = name.substr(0, slash);
      line += "  " + std::string(area);
    }
    line += "  " + std::string(slash < name.size() ? name.substr(slash + 1) : name) + " ";
    const bool is_count = metric.value == std::floor(metric.value) && std::abs(metric.value) >= 1000;
    line += is_count ? with_thousands(metric.value) : format_value(metric.value);
    if (!name.ends_with("/loss")) continue;
    if (const auto before = last_losses_.find(metric.name); before != last_losses_.end())
      line += " (was " + format_value(before->second) + ")";
    last_losses_[metric.name] = metric.value;
  }
  terminal_.print(line);
  if (options_.record) options_.record(line);
}

void ConsoleSink::write(std::int64_t step, std::span<const MetricValue> values) {
  if (!find_value(values, "train/loss").has_value()) return write_evaluation(step, values);
  note_time(step, values);
  write_progress(step, values);
}

}  // namespace caravan::trainer
