// How open-instruct counts and picks rows: its mixer list, and the older helper that its mixing scripts call.
//
// Goals: the same counts and the same rows in the same order as the reference, oddities included: 0.29 of 100
// rows is 28, because binary floats say so. Where the reference would fail with a Python error, so do we.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// An amount as it is written in the list: with a point a proportion, else a count.
struct MixerAmount {
  bool is_proportion = false;
  double proportion = 0.0;
  std::int64_t count = 0;
};
// As Python's float() and int() read it; nothing where they refuse.
std::optional<MixerAmount> parse_mixer_amount(std::string_view text);

// How many rows of a set of `size` an amount asks for; more than `size` repeats rows. Negative and endless
// amounts are nothing.
std::optional<std::uint64_t> mixer_target(const MixerAmount& amount, std::uint64_t size);

// The rows of a target: whole copies in order, then rows drawn without replacement, in the order drawn.
// `size` > 0, or `target` 0.
std::vector<std::uint32_t> mixer_rows(std::uint32_t size, std::uint64_t target, std::uint32_t seed);

// The reference warns of 10 rows or fewer of more than 100 asked as a count: "1" is often meant as "1.0".
bool looks_like_a_proportion(const MixerAmount& amount, std::uint64_t size);

// The older helper, get_datasets: its amounts are numbers, 1 and 1.0 apart. A number above 1 makes all of
// them counts, which must be whole; else all are proportions. A count above `size` gives `size` rows.
struct HelperAmount {
  double number = 0.0;
  bool is_whole = false;  // written without a point
};
struct HelperTargets {
  std::vector<std::uint64_t> rows;
  std::string problem;  // "negative", "counts_must_be_int"; empty: none
};
HelperTargets helper_targets(std::span<const HelperAmount> amounts, std::span<const std::uint64_t> sizes);
// The first `target` rows after a shuffle by `seed`.
std::vector<std::uint32_t> helper_rows(std::uint32_t size, std::uint64_t target, std::uint64_t seed);

}  // namespace caravan::data
