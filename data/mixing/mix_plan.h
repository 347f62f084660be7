// How many rows of each source a mix has: worked out from the rows there are, before a line is written.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/message.h"
#include "data/mixing/mix_options.h"

namespace caravan::data {

struct MixPart {
  std::string name;
  MixAmount amount;
};

struct PlannedPart {
  std::string name;
  std::string asked;          // in words: "50 %", "all, 2 times", "share 3", "1.0"
  std::uint64_t rows = 0;     // that can be read
  std::uint64_t taken = 0;    // different rows of the mix
  std::uint64_t written = 0;  // lines of the mix
};

struct MixPlan {
  std::vector<PlannedPart> parts;  // in the order of the sources
  std::vector<std::string> warnings;
  std::uint64_t written() const;
};

// What no row count can make right: no two parts of one name, keys that have no effect or are missing under
// these semantics. Throws data::Error (usage).
void check_mix(std::span<const MixPart> parts, const MixOptions& options);

// `sizes`: rows that can be read, by part. Throws data::Error (data) where they do not give what is asked: a
// count above them, a total that cannot be filled, nothing at all.
MixPlan plan_mix(std::span<const MixPart> parts, std::span<const std::uint64_t> sizes,
                 const MixOptions& options);

// The table for people, with shares of the mix; ends in a line feed.
std::string mix_table(const MixPlan& plan);
Json mix_json(const MixPlan& plan);

}  // namespace caravan::data
