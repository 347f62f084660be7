#include "trainer/distributed/peer_state.h"

#include <nlohmann/json.hpp>

namespace caravan::trainer {

using nlohmann::json;

std::string to_text(const PeerState& state) {
  const json fields = {state.beat,        state.progress, state.entered,    state.waiting_in,
                       state.patience_ms, state.step,     state.call,       state.section,
                       state.host,        state.broken,   state.wants_stop, state.left};
  return fields.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<PeerState> parse_peer_state(const std::string& text) {
  const json fields = json::parse(text, nullptr, false);
  if (!fields.is_array() || fields.size() != 12) return std::nullopt;
  try {
    PeerState state;
    state.beat = fields[0];
    state.progress = fields[1];
    state.entered = fields[2];
    state.waiting_in = fields[3];
    state.patience_ms = fields[4];
    state.step = fields[5];
    state.call = fields[6];
    state.section = fields[7];
    state.host = fields[8];
    state.broken = fields[9];
    state.wants_stop = fields[10];
    state.left = fields[11];
    return state;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace caravan::trainer
