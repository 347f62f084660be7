// What `take` of a source picks. Private to the loader.
#pragma once

#include <cstdint>
#include <vector>

#include "data/source_options.h"

namespace caravan::data {

// Places of the rows that are taken, ascending: all of them without `take`. `keys`: of each row that can be
// used, by content. Throws data::Error where take asks for more rows than there are, or for none.
std::vector<std::uint32_t> take_rows(const SourceOptions& source, std::uint64_t seed,
                                     std::vector<std::uint64_t> keys);

}  // namespace caravan::data
