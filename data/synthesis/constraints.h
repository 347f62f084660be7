// Conditions that a request may make on the form of its answer: what the instruction_following family draws
// from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caravan::data {

struct Constraint {
  std::string id;
  std::string text;
};

const std::vector<Constraint>& builtin_constraints();
// jsonl with {"id","text"}. Throws data::Error: input/output; data (line and reason): no such row, an id
// twice, none at all.
std::vector<Constraint> read_constraints(const std::string& path);

// One to `most` of them, by seed, each at most once and at most one of those whose ids begin alike up to the
// colon ("length:words", "length:lines").
std::vector<const Constraint*> draw_constraints(const std::vector<Constraint>& all, std::int64_t most,
                                                std::uint64_t seed);

}  // namespace caravan::data
