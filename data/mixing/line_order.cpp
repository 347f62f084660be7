#include "data/mixing/line_order.h"

#include <xxhash.h>

#include <algorithm>
#include <numeric>

#include "data/error.h"
#include "data/loader/order.h"
#include "data/mixing/open_instruct_mixer.h"

namespace caravan::data {
namespace {

// Salts keep the two draws independent of each other.
enum Salt : std::uint64_t { kPick = 11, kShuffle = 12 };

using Rows = std::vector<std::uint32_t>;

// Whole copies of the taken rows in the order of the files, then those that the draw puts first.
Rows exact_lines(const PlannedPart& part, const Rows& rows, const std::vector<std::uint64_t>& keys,
                 std::uint64_t seed) {
  std::vector<std::uint64_t> own;
  own.reserve(rows.size());
  for (const std::uint32_t row : rows) own.push_back(keys[row]);
  number_copies(own);
  const std::uint64_t salt = mix(mix(seed, kPick), XXH3_64bits(part.name.data(), part.name.size()));
  const auto add = [&](std::uint64_t count, Rows& lines) {
    for (const std::uint32_t picked : pick(own, salt, count)) lines.push_back(rows[picked]);
  };
  Rows taken, lines;
  add(part.taken, taken);
  lines.reserve(part.written);
  for (std::uint64_t copy = 0; copy < part.written / part.taken; ++copy)
    lines.insert(lines.end(), taken.begin(), taken.end());
  add(part.written % part.taken, lines);
  return lines;
}

Rows reference_lines(const PlannedPart& part, const Rows& rows, MixSemantics semantics, std::uint64_t seed) {
  const auto size = static_cast<std::uint32_t>(rows.size());
  Rows lines = semantics == MixSemantics::kOpenInstruct
                   ? mixer_rows(size, part.written, static_cast<std::uint32_t>(seed))
                   : helper_rows(size, part.written, seed);
  for (std::uint32_t& line : lines) line = rows[line];
  return lines;
}

}  // namespace

LineOrder::LineOrder(const MixPlan& plan, std::span<const SourceRows> sources,
                     std::vector<std::uint64_t> keys, const MixOptions& options, std::uint64_t seed) {
  rows_.reserve(plan.written());
  for (std::size_t i = 0; i < plan.parts.size(); ++i) {
    const PlannedPart& part = plan.parts[i];
    if (part.written == 0) continue;
    const Rows lines = options.semantics == MixSemantics::kExact
                           ? exact_lines(part, sources[i], keys, seed)
                           : reference_lines(part, sources[i], options.semantics, seed);
    rows_.insert(rows_.end(), lines.begin(), lines.end());
  }
  if (options.order == MixOrder::kShuffled) {
    std::vector<std::uint64_t> line_keys;
    line_keys.reserve(rows_.size());
    for (const std::uint32_t row : rows_) line_keys.push_back(keys[row]);
    number_copies(line_keys);
    Rows order = shuffled(line_keys, mix(seed, kShuffle));
    for (std::uint32_t& place : order) place = rows_[place];
    rows_ = std::move(order);
  }
  const std::size_t num_rows = keys.size();
  keys = {};
  index_lines(num_rows);
}

// A counting sort of the lines by their rows.
void LineOrder::index_lines(std::size_t num_rows) {
  begins_.assign(num_rows + 1, 0);
  for (const std::uint32_t row : rows_) ++begins_[row + 1];
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  lines_.resize(rows_.size());
  for (std::size_t line = 0; line < rows_.size(); ++line)
    lines_[begins_[rows_[line]]++] = static_cast<std::uint32_t>(line);
  // Each begin has moved to the end of its row, which is where the next one begins.
  std::copy_backward(begins_.begin(), begins_.end() - 1, begins_.end());
  begins_[0] = 0;
}

std::vector<std::uint64_t> LineOrder::lines_of(std::uint32_t row) const {
  if (row + std::size_t{1} >= begins_.size())
    throw Error(Error::Kind::kData,
                "mix: a source has more rows than when it was counted; it changed while it "
                "was read: mix again when nothing writes to it");
  std::vector<std::uint64_t> lines;
  for (std::uint32_t i = begins_[row]; i < begins_[row + 1]; ++i) lines.push_back(lines_[i] + 1ull);
  return lines;
}

}  // namespace caravan::data
