// When what happened in the first steps of a launch, in the format of chrome://tracing and Perfetto: what
// this rank computes, and what is on its way to others meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::trainer {

// Thread safe. Bounded: what happens after kMaxEvents is left out.
class Trace {
 public:
  static constexpr std::size_t kMaxEvents = 200'000;
  static constexpr int kSteps = 10;

  explicit Trace(int rank) : rank_(rank) {}

  // From its making to its end. One of a null trace does nothing.
  class [[nodiscard]] Span {
   public:
    Span(Trace* trace, std::string_view what, std::string_view of = {});
    ~Span();
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

   private:
    Trace* trace_;
    std::string name_;
    std::int64_t begin_ = 0;
  };

  // A call to other ranks, which overlaps with what this one computes.
  void call_begins(std::uint64_t number, const std::string& name);
  void call_ends(std::uint64_t number, const std::string& name);

  // One JSON file, written whole. Throws Error (74).
  void write(const std::filesystem::path& path) const;

 private:
  struct Event {
    char phase;  // X: a span, b and e: begin and end of a call
    std::string name;
    std::int64_t at, duration;  // microseconds
    std::uint64_t number;
  };
  std::int64_t now() const;
  void add(Event event);

  int rank_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::int64_t start_of_day_ = std::chrono::duration_cast<std::chrono::microseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count();
  mutable std::mutex mutex_;
  std::vector<Event> events_;
};

}  // namespace caravan::trainer
