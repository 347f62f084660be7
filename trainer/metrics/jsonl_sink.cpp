#include "trainer/metrics/jsonl_sink.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "trainer/error.h"

namespace caravan::trainer {
namespace {

constexpr std::string_view kStepKey = "{\"step\":";
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

// The step of a complete row of ours, nothing otherwise.
std::optional<std::int64_t> step_of_row(std::string_view row) {
  if (!row.starts_with(kStepKey) || !row.ends_with('}')) return std::nullopt;
  row.remove_prefix(kStepKey.size());
  std::int64_t step = 0;
  const auto [end, code] = std::from_chars(row.data(), row.data() + row.size(), step);
  if (code != std::errc() || (*end != ',' && *end != '}')) return std::nullopt;
  return step;
}

// Bytes of the file that rows up to `last_step` take.
std::uint64_t size_through_step(const std::filesystem::path& path, std::int64_t last_step) {
  std::ifstream in(path, std::ios::binary);
  // Taken for empty, it would be cut to nothing.
  if (!in)
    throw Error(Error::Kind::kInputOutput,
                path.string() + ": cannot be read: " + std::strerror(errno) + "; check its permissions");
  std::string row;
  std::uint64_t kept_bytes = 0;
  for (std::uint64_t line = 1; std::getline(in, row); ++line) {
    // Without a newline the row was being written when the run died.
    if (in.eof()) break;
    const std::optional<std::int64_t> step = step_of_row(row);
    if (!step) {
      throw Error(Error::Kind::kData,
                  path.string() + ":" + std::to_string(line) + ": found \"" + row.substr(0, 80) +
                      "\", which is no metrics row; rows begin with {\"step\":N. Move the file away, or name "
                      "another run directory");
    }
    if (*step > last_step) break;
    kept_bytes += row.size() + 1;
  }
  return kept_bytes;
}

}  // namespace

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "\"NaN\"";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  if (value == 0 && std::signbit(value)) {
    // Readers take -0 for an integer, which has no sign of zero.
    out += "-0.0";
    return;
  }
  char digits[32];
  std::to_chars_result end{};
  // Counts are written as people write them: 1000000, not 1e+06.
  if (std::trunc(value) == value && std::abs(value) < kExactIntegers) {
    end = std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(value));
  } else {
    end = std::to_chars(digits, digits + sizeof digits, value);
  }
  out.append(digits, end.ptr);
}

void keep_rows_through(AppendFile& file, std::int64_t last_step) {
  std::error_code ignored;
  // Devices have no rows to keep and no size to cut.
  if (std::filesystem::is_regular_file(file.path(), ignored))
    file.truncate(last_step > 0 ? size_through_step(file.path(), last_step) : 0);
}

JsonlSink::JsonlSink(const std::filesystem::path& path, std::int64_t last_step) : file_(path) {
  keep_rows_through(file_, last_step);
}

void JsonlSink::write(std::int64_t step, std::span<const MetricValue> values) {
  row_.assign(kStepKey);
  row_ += std::to_string(step);
  for (const MetricValue& metric : values) {
    row_ += ',';
    row_ += nlohmann::json(metric.name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    row_ += ':';
    append_number(row_, metric.value);
  }
  row_ += "}\n";
  file_.write(row_);
}

void JsonlSink::flush() {
  file_.sync();
}

}  // namespace caravan::trainer
