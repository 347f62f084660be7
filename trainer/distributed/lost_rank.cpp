#include "trainer/distributed/lost_rank.h"

#include <nlohmann/json.hpp>

namespace caravan::trainer {

using nlohmann::json;

std::string to_text(const LostRank& lost) {
  const json object = {{"rank", lost.rank},
                       {"host", lost.host},
                       {"step", lost.step},
                       {"text", lost.text},
                       {"exit_code", lost.exit_code}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<LostRank> parse_lost_rank(const std::string& text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  try {
    return LostRank{object.at("rank"), object.at("host"), object.at("step"), object.at("text"),
                    object.at("exit_code")};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace caravan::trainer
