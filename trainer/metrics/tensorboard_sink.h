// TensorBoard event files: every metric as a scalar under its own name.
//
// A restart opens a new file, as TensorBoard expects, and declares the steps that will be done again void in
// older ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "trainer/metrics/append_file.h"
#include "trainer/metrics/sink.h"

namespace caravan::trainer {

class TensorboardSink : public Sink {
 public:
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  // Makes `folder` and in it events.out.tfevents.<seconds>.<host>.<process>.<n>. `last_step`: the step of the
  // checkpoint the run goes on from, 0 where it begins. Throws Error (input/output).
  TensorboardSink(const std::filesystem::path& folder, std::int64_t last_step,
                  Clock clock = std::chrono::system_clock::now);

  void write(std::int64_t step, std::span<const MetricValue> values) override;
  void flush() override;

  const std::filesystem::path& path() const { return file_.path(); }

 private:
  double now_seconds() const;

  Clock clock_;
  AppendFile file_;
};

}  // namespace caravan::trainer
