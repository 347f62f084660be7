#include "trainer/metrics/tensorboard_sink.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

#include "trainer/error.h"
#include "trainer/metrics/event_record.h"

namespace caravan::trainer {
namespace {

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

AppendFile make_event_file(const std::filesystem::path& folder, std::chrono::system_clock::time_point now) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) {
    throw Error(Error::Kind::kInputOutput,
                folder.string() + ": cannot make the folder of event files: " + code.message());
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  char stamp[32];
  // TensorBoard reads files in order of name, hence ten digits.
  std::snprintf(stamp, sizeof stamp, "%010lld", static_cast<long long>(seconds));
  const std::string stem = "events.out.tfevents." + std::string(stamp) + "." + host_name() + "." +
                           std::to_string(::getpid()) + ".";
  int n = 0;
  while (std::filesystem::exists(folder / (stem + std::to_string(n)))) ++n;
  return AppendFile(folder / (stem + std::to_string(n)));
}

}  // namespace

TensorboardSink::TensorboardSink(const std::filesystem::path& folder, std::int64_t last_step, Clock clock)
    : clock_(std::move(clock)), file_(make_event_file(folder, clock_())) {
  file_.write(frame_record(encode_file_version_event(now_seconds())));
  // Also where the run begins: a run killed before its first checkpoint left events behind.
  file_.write(frame_record(encode_restart_event(now_seconds(), last_step > 0 ? last_step + 1 : 0)));
}

double TensorboardSink::now_seconds() const {
  return std::chrono::duration<double>(clock_().time_since_epoch()).count();
}

void TensorboardSink::write(std::int64_t step, std::span<const MetricValue> values) {
  if (!values.empty()) file_.write(frame_record(encode_scalars_event(now_seconds(), step, values)));
}

void TensorboardSink::write_text(std::int64_t step, std::string_view tag, std::string_view text) {
  file_.write(frame_record(encode_text_event(now_seconds(), step, tag, text)));
}

void TensorboardSink::flush() {
  file_.sync();
}

}  // namespace caravan::trainer
