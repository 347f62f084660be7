#include "trainer/metrics/tensorboard_sink.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
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

// The newest stamp of ten digits among the files that are there; 0 where none is.
long long newest_stamp(const std::filesystem::path& folder) {
  constexpr std::string_view kBegin = "events.out.tfevents.";
  constexpr long long kMax = 9'999'999'999;
  long long newest = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    long long stamp = 0;
    if (name.starts_with(kBegin) &&
        std::from_chars(name.data() + kBegin.size(), name.data() + name.size(), stamp).ec == std::errc() &&
        stamp < kMax)
      newest = std::max(newest, stamp);
  }
  return newest;
}

AppendFile make_event_file(const std::filesystem::path& folder, std::chrono::system_clock::time_point now) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) {
    throw Error(Error::Kind::kInputOutput,
                folder.string() + ": cannot make the folder of event files: " + code.message());
  }
  // A clock that was set back must not put what comes later in front.
  const auto seconds =
      std::max<long long>(std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count(),
                          newest_stamp(folder) + 1);
  char stamp[32];
  // TensorBoard reads files in order of name, hence ten digits.
  std::snprintf(stamp, sizeof stamp, "%010lld", seconds);
  return AppendFile(folder / ("events.out.tfevents." + std::string(stamp) + "." + host_name() + "." +
                              std::to_string(::getpid()) + ".0"));
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

void TensorboardSink::flush() {
  file_.sync();
}

}  // namespace caravan::trainer
