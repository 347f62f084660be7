// A whole near search over rows in memory, for tests.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "data/deduplication/keep_policy.h"
#include "data/deduplication/near_search.h"

namespace caravan::tests {

inline data::Conversation make_row(const std::string& prompt, const std::string& answer = "") {
  data::Conversation row;
  row.messages.push_back({"user", prompt, nullptr});
  if (!answer.empty()) row.messages.push_back({"assistant", answer, nullptr});
  return row;
}

inline std::vector<std::uint32_t> search_leaders(data::NearSearch& search, data::KeyKind key,
                                                 const std::vector<data::Conversation>& rows,
                                                 std::size_t num_threads = 1) {
  data::NearSearch::Workspace work(key);
  for (const data::Conversation& row : rows) {
    std::vector<std::uint64_t> bands;
    const auto sketch = search.sketch(row, work, bands);
    search.add(sketch, bands.data());
  }
  search.find(num_threads);
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    if (search.needs_comparison(i)) search.compare(i, search.shingles(rows[i], work));
  }
  return search.leaders();
}

inline data::Duplicates find_duplicates(const data::NearOptions& options,
                                        const std::vector<data::Conversation>& rows) {
  data::NearSearch search(options);
  return data::choose_kept(search_leaders(search, options.key, rows), {});
}

}  // namespace caravan::tests
