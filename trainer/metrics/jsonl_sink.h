// metrics.jsonl: one JSON object a row, {"step":12,"train/loss":1.25,...}, for scripts and for comparing runs
// bit by bit.
//
// Numbers are written so that reading them back gives the same double; NaN and infinities, which JSON lacks,
// are the strings "NaN", "Infinity", "-Infinity". The file survives a restart: rows of steps that the resumed
// run will do again are cut off.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "trainer/metrics/append_file.h"
#include "trainer/metrics/sink.h"

namespace caravan::trainer {

// Keeps the rows of `file` up to `last_step` (0: none, the run begins), cuts off later ones and a row torn by
// a crash. Rows begin with {"step":N. Throws Error (data) where a row before that does not.
void keep_rows_through(AppendFile& file, std::int64_t last_step);
// A number as JSON that gives the same double back; NaN and infinities as texts.
void append_number(std::string& out, double value);

class JsonlSink : public Sink {
 public:
  // Throws Error: data as keep_rows_through does, input/output where the file cannot be opened.
  JsonlSink(const std::filesystem::path& path, std::int64_t last_step);

  void write(std::int64_t step, std::span<const MetricValue> values) override;
  void flush() override;

 private:
  AppendFile file_;
  std::string row_;
};

}  // namespace caravan::trainer
