#include "trainer/distributed/event_ring.h"

#include <nlohmann/json.hpp>

namespace caravan::trainer {

namespace {
constexpr std::size_t kMaxEvents = 512;
}

void EventRing::add(std::string_view what, std::int64_t step, std::string_view call,
                    std::chrono::system_clock::time_point when) {
  const std::lock_guard lock(mutex_);
  if (events_.size() == kMaxEvents) events_.pop_front();
  events_.push_back({when, std::string(what), std::string(call), step});
}

std::string EventRing::to_jsonl() {
  const std::lock_guard lock(mutex_);
  std::string lines;
  for (const Event& event : events_) {
    const nlohmann::ordered_json line = {
        {"time", std::chrono::duration<double>(event.when.time_since_epoch()).count()},
        {"step", event.step},
        {"event", event.what},
        {"call", event.call}};
    lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return lines;
}

}  // namespace caravan::trainer
