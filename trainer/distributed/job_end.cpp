#include "trainer/distributed/job_end.h"

#include <charconv>

namespace caravan::trainer {

std::optional<std::chrono::system_clock::time_point> job_end(const Environment& environment) {
  const auto found = environment.find("SLURM_JOB_END_TIME");
  if (found == environment.end()) return std::nullopt;
  const std::string& text = found->second;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  // A limit of none is 0 or beyond any clock.
  constexpr std::int64_t kYear3000 = 32503680000;
  if (error != std::errc() || end != text.data() + text.size() || seconds <= 0 || seconds > kYear3000)
    return std::nullopt;
  return std::chrono::system_clock::time_point(std::chrono::seconds(seconds));
}

bool must_save_now(std::chrono::system_clock::time_point now, std::chrono::system_clock::time_point end,
                   std::chrono::duration<double> longest_step, std::chrono::duration<double> longest_save) {
  return now + 2.0 * (longest_step + longest_save) + std::chrono::minutes(1) > end;
}

}  // namespace caravan::trainer
