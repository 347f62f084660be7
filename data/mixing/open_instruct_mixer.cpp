#include "data/mixing/open_instruct_mixer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "data/mixing/numpy_random.h"

namespace caravan::data {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Python numbers may have spaces around them, and one underscore between two digits. Nothing where an
// underscore stands elsewhere.
std::optional<std::string> plain_number(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain += text[i];
      continue;
    }
    const bool between = i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
    if (!between) return std::nullopt;
  }
  return plain;
}

// Takes a sign that from_chars does not know: a plus.
template <class Number>
std::optional<Number> parse_whole_text(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) return std::nullopt;
  }
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<MixerAmount> parse_mixer_amount(std::string_view text) {
  const std::optional<std::string> plain = plain_number(text);
  if (!plain || plain->empty()) return std::nullopt;
  MixerAmount amount;
  amount.is_proportion = text.find('.') != std::string_view::npos;
  if (amount.is_proportion) {
    const auto number = parse_whole_text<double>(*plain);
    if (number) amount.proportion = *number;
    return number ? std::optional(amount) : std::nullopt;
  }
  const auto count = parse_whole_text<std::int64_t>(*plain);
  if (count) amount.count = *count;
  return count ? std::optional(amount) : std::nullopt;
}

std::optional<std::uint64_t> mixer_target(const MixerAmount& amount, std::uint64_t size) {
  if (!amount.is_proportion) {
    if (amount.count < 0) return std::nullopt;
    return static_cast<std::uint64_t>(amount.count);
  }
  constexpr double kMax = 9e15;
  const double rows = std::trunc(amount.proportion * static_cast<double>(size));
  if (!(rows > -1.0 && rows < kMax)) return std::nullopt;
  return static_cast<std::uint64_t>(rows);
}

std::vector<std::uint32_t> mixer_rows(std::uint32_t size, std::uint64_t target, std::uint32_t seed) {
  std::vector<std::uint32_t> rows;
  if (target == 0) return rows;
  rows.reserve(target);
  for (std::uint64_t copy = 0; copy < target / size; ++copy) {
    for (std::uint32_t row = 0; row < size; ++row) rows.push_back(row);
  }
  const std::uint64_t rest = target % size;
  if (rest == 0) return rows;
  const std::vector<std::uint32_t> drawn = LegacyRandom(seed).permutation(size);
  rows.insert(rows.end(), drawn.begin(), drawn.begin() + static_cast<std::ptrdiff_t>(rest));
  return rows;
}

bool looks_like_a_proportion(const MixerAmount& amount, std::uint64_t size) {
  constexpr std::int64_t kFew = 10;
  constexpr std::uint64_t kMany = 100;
  return !amount.is_proportion && amount.count <= kFew && size > kMany;
}

HelperTargets helper_targets(std::span<const HelperAmount> amounts, std::span<const std::uint64_t> sizes) {
  HelperTargets targets;
  const bool counts =
      std::any_of(amounts.begin(), amounts.end(), [](const HelperAmount& one) { return one.number > 1.0; });
  for (const HelperAmount& amount : amounts) {
    if (counts && !amount.is_whole) targets.problem = "counts_must_be_int";
    if (amount.number < 0 && targets.problem.empty()) targets.problem = "negative";
  }
  for (std::size_t i = 0; i < amounts.size() && targets.problem.empty(); ++i) {
    const double asked = counts ? amounts[i].number : amounts[i].number * static_cast<double>(sizes[i]);
    const double most = static_cast<double>(sizes[i]);
    targets.rows.push_back(asked >= most ? sizes[i] : static_cast<std::uint64_t>(asked));
  }
  return targets;
}

std::vector<std::uint32_t> helper_rows(std::uint32_t size, std::uint64_t target, std::uint64_t seed) {
  std::vector<std::uint32_t> rows = GeneratorRandom(seed).permutation(size);
  rows.resize(std::min<std::uint64_t>(rows.size(), target));
  return rows;
}

}  // namespace caravan::data
