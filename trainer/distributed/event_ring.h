// The last things a rank did among the others, for the file that explains an end afterwards.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace caravan::trainer {

class EventRing {
 public:
  // `what`: "begin", "done", "section", "lost". Safe to call from several threads.
  void add(std::string_view what, std::int64_t step, std::string_view call,
           std::chrono::system_clock::time_point when = std::chrono::system_clock::now());
  // The last 512, oldest first, one line of JSON each.
  std::string to_jsonl();

 private:
  struct Event {
    std::chrono::system_clock::time_point when;
    std::string what, call;
    std::int64_t step;
  };
  std::mutex mutex_;
  std::deque<Event> events_;
};

}  // namespace caravan::trainer
