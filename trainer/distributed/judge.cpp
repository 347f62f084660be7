#include "trainer/distributed/judge.h"

#include <algorithm>
#include <cstdio>

namespace caravan::trainer {

void Judge::see(int rank, const PeerState& state, Time now) {
  const auto [found, is_new] = peers_.try_emplace(rank, Seen{state, now, now, now});
  if (is_new) return;
  Seen& seen = found->second;
  if (state.beat != seen.state.beat) seen.life = now;
  if (state.progress != seen.state.progress || state.entered != seen.state.entered) seen.progress = now;
  if (state.waiting_in != seen.state.waiting_in) seen.waiting = now;
  seen.state = state;
}

void Judge::forgive(Time now) {
  for (auto& [rank, seen] : peers_) seen.life = seen.progress = seen.waiting = now;
}

std::optional<Verdict> Judge::judge(Time now) const {
  if (auto verdict = silent(now)) return verdict;
  return behind(now);
}

// Of several silent ranks the one that fell silent first.
std::optional<Verdict> Judge::silent(Time now) const {
  const bool broken =
      std::any_of(peers_.begin(), peers_.end(), [](const auto& peer) { return peer.second.state.broken; });
  const Duration limit = broken ? std::min(suspect_after_, timeout_) : timeout_;
  const std::pair<const int, Seen>* first = nullptr;
  for (const auto& peer : peers_)
    if (!peer.second.state.left && now - peer.second.life > limit &&
        (first == nullptr || peer.second.life < first->second.life))
      first = &peer;
  if (first == nullptr) return std::nullopt;
  const PeerState& state = first->second.state;
  // What it said last may be older than what the others wait for it in.
  const PeerState* waiting = nullptr;
  for (const auto& [rank, seen] : peers_)
    if (rank != first->first && (seen.state.broken || seen.state.waiting_in > 0) &&
        (waiting == nullptr || seen.state.step > waiting->step))
      waiting = &seen.state;
  return Verdict{first->first, state.host, waiting ? waiting->step : state.step,
                 "is gone or stopped: no sign of life for " + seconds_text(limit) +
                     (waiting ? ", while others wait in " + place_text(*waiting) : "") + "; last seen in " +
                     place_text(state) + "; look at its output, and there for an out-of-memory kill"};
}

// The rank that is furthest behind a call in which another waits.
std::optional<Verdict> Judge::behind(Time now) const {
  const Seen* waiting = nullptr;
  for (const auto& [rank, seen] : peers_)
    if (seen.state.waiting_in > 0 && now - seen.waiting > timeout_ &&
        (waiting == nullptr || seen.state.waiting_in < waiting->state.waiting_in))
      waiting = &seen;
  if (waiting == nullptr) return std::nullopt;
  const std::pair<const int, Seen>* last = nullptr;
  for (const auto& peer : peers_) {
    const PeerState& state = peer.second.state;
    const Duration limit = std::max(timeout_, Duration(state.patience_ms));
    if (!state.left && state.entered < waiting->state.waiting_in && now - peer.second.progress > limit &&
        (last == nullptr || state.entered < last->second.state.entered))
      last = &peer;
  }
  if (last == nullptr) return std::nullopt;
  const PeerState& state = last->second.state;
  const Duration limit = std::max(timeout_, Duration(state.patience_ms));
  return Verdict{last->first, state.host, state.step,
                 "did not reach " + place_text(waiting->state) + " within " + seconds_text(limit) +
                     ", though its process runs; last seen in " + place_text(state) +
                     "; raise distributed.timeout if it is only slow"};
}

std::string place_text(const PeerState& state) {
  const std::string step =
      state.step > 0 ? " of step " + std::to_string(state.step) : std::string(" before the first step");
  const bool is_inside = state.waiting_in > 0 || state.broken;
  if (!is_inside && !state.section.empty()) return "`" + state.section + "`" + step;
  if (state.call.empty()) return "the start of the run";
  return (is_inside ? "`" : "what follows `") + state.call + "`" + step;
}

std::string seconds_text(std::chrono::milliseconds duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g s", static_cast<double>(duration.count()) / 1000.0);
  return text;
}

}  // namespace caravan::trainer
