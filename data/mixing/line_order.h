// Which row stands in which line of a mix.
//
// State: nothing; a pure function of the plan, the seed and the content of the rows. A source's lines do not
// depend on the other sources.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/mixing/mix_plan.h"

namespace caravan::data {

// Numbers of the rows of one source that can be read, among all rows, ascending.
using SourceRows = std::vector<std::uint32_t>;

class LineOrder {
 public:
  // `keys`: content_key of each row of the walk (0 for one that cannot be read); is used up. Rows are fewer
  // than 2^32.
  LineOrder(const MixPlan& plan, std::span<const SourceRows> sources, std::vector<std::uint64_t> keys,
            const MixOptions& options, std::uint64_t seed);

  // Rows by line: rows_of_lines()[0] stands in line 1.
  std::span<const std::uint32_t> rows_of_lines() const { return rows_; }
  // The lines of a row, from 1, ascending. Throws Error (data) for a row that was not counted.
  std::vector<std::uint64_t> lines_of(std::uint32_t row) const;

 private:
  void index_lines(std::size_t num_rows);

  std::vector<std::uint32_t> rows_;    // by line
  std::vector<std::uint32_t> begins_;  // by row: where its lines begin in lines_
  std::vector<std::uint32_t> lines_;   // from 0
};

}  // namespace caravan::data
