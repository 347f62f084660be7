// Who is to blame when ranks wait: from what each of them last said, and when.
//
// A function of what it is shown and of the times it is given: no clock, no network. A rank is lost when it
// - shows no sign of life for the timeout (for `suspect_after` once a connection broke), or
// - stays behind a call that another waits in, and shows no progress for the timeout or its own patience.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "trainer/distributed/peer_state.h"

namespace caravan::trainer {

struct Verdict {
  int rank = 0;
  std::string host;
  std::int64_t step = 0;
  std::string text;  // "did not reach `all_reduce layers.3` of step 17 within 30 s; ..."
  bool operator==(const Verdict&) const = default;
};

class Judge {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;

  // `suspect_after`: how long a silent rank counts as alive once somebody lost a connection.
  Judge(Duration timeout, Duration suspect_after) : timeout_(timeout), suspect_after_(suspect_after) {}

  // What rank `rank` last said, as of now; the same text again is no sign of life.
  void see(int rank, const PeerState& state, Time now);
  // The watching process itself stood still: what it missed is held against nobody.
  void forgive(Time now);
  // The rank that keeps the others from going on, if one does.
  std::optional<Verdict> judge(Time now) const;

 private:
  struct Seen {
    PeerState state;
    Time life, progress, waiting;  // when it last changed
  };
  std::optional<Verdict> silent(Time now) const;
  std::optional<Verdict> behind(Time now) const;

  Duration timeout_, suspect_after_;
  std::map<int, Seen> peers_;
};

// "`reduce_scatter layers.3` of step 17", "saving after step 16", "the start".
std::string place_text(const PeerState& state);
std::string seconds_text(std::chrono::milliseconds duration);

}  // namespace caravan::trainer
