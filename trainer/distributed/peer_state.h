// What a rank tells the others about itself, a few times a second.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace caravan::trainer {

struct PeerState {
  std::uint64_t beat = 0;        // counts up for as long as the process runs
  std::uint64_t progress = 0;    // counts up whenever its work moves on
  std::uint64_t entered = 0;     // collective calls begun
  std::uint64_t waiting_in = 0;  // which call it waits in, counted from 1; 0: none
  std::int64_t patience_ms = 0;  // how long it may be without progress where that is more than the timeout
  std::int64_t step = 0;
  std::string call;     // the one it waits in, else the last one begun: "reduce_scatter layers.3"
  std::string section;  // "saving"; "" between calls
  std::string host;
  bool broken = false;      // a connection of its failed: somebody is probably gone
  bool wants_stop = false;  // asked to stop; of rank 0: some rank was
  bool left = false;        // done; will not be seen again
  bool operator==(const PeerState&) const = default;
};

// One line of JSON. Nothing where the text is no such line.
std::string to_text(const PeerState& state);
std::optional<PeerState> parse_peer_state(const std::string& text);

}  // namespace caravan::trainer
