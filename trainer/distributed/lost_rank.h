// The first thing that went wrong among the ranks, in the words that all of them tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace caravan::trainer {

struct LostRank {
  int rank = 0;  // -1: no rank is to blame; the text says who
  std::string host;
  std::int64_t step = 0;
  std::string text;   // "is gone or stopped: ...", "failed in step 17: disk full"
  int exit_code = 0;  // what it ends with itself; 0: unknown
  bool operator==(const LostRank&) const = default;

  // "rank 2 (node07) is gone or stopped: ..."
  std::string sentence() const {
    return rank < 0 ? text : "rank " + std::to_string(rank) + " (" + host + ") " + text;
  }
};

std::string to_text(const LostRank& lost);
std::optional<LostRank> parse_lost_rank(const std::string& text);

}  // namespace caravan::trainer
