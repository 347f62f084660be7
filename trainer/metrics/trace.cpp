#include "trainer/metrics/trace.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "trainer/metrics/append_file.h"

namespace caravan::trainer {

Trace::Span::Span(Trace* trace, std::string_view what, std::string_view of) : trace_(trace) {
  if (trace_ == nullptr) return;
  name_ = what;
  name_ += of;
  begin_ = trace_->now();
}

Trace::Span::~Span() {
  if (trace_ != nullptr) trace_->add({'X', std::move(name_), begin_, trace_->now() - begin_, 0});
}

// On one clock for all ranks of a machine, so that their files can be laid over each other.
std::int64_t Trace::now() const {
  return start_of_day_ +
         std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start_)
             .count();
}

void Trace::add(Event event) {
  const std::lock_guard lock(mutex_);
  if (events_.size() < kMaxEvents) events_.push_back(std::move(event));
}

void Trace::call_begins(std::uint64_t number, const std::string& name) {
  add({'b', name, now(), 0, number});
}

void Trace::call_ends(std::uint64_t number, const std::string& name) {
  add({'e', name, now(), 0, number});
}

void Trace::write(const std::filesystem::path& path) const {
  const std::lock_guard lock(mutex_);
  nlohmann::ordered_json events = nlohmann::ordered_json::array();
  events.push_back({{"name", "process_name"},
                    {"ph", "M"},
                    {"pid", rank_},
                    {"args", {{"name", "rank " + std::to_string(rank_)}}}});
  for (const Event& event : events_) {
    nlohmann::ordered_json row = {{"name", event.name},
                                  {"cat", event.phase == 'X' ? "compute" : "calls"},
                                  {"ph", std::string(1, event.phase)},
                                  {"ts", event.at},
                                  {"pid", rank_},
                                  {"tid", 0}};
    if (event.phase == 'X')
      row["dur"] = event.duration;
    else
      row["id"] = event.number;
    events.push_back(std::move(row));
  }
  replace_file(path, nlohmann::ordered_json{{"traceEvents", std::move(events)}}.dump() + "\n");
}

}  // namespace caravan::trainer
