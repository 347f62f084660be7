#include "data/loader/take_rows.h"

#include <numeric>
#include <string>

#include "data/error.h"
#include "data/loader/order.h"

namespace caravan::data {
namespace {

// Keeps the draw of rows apart from those of the order.
constexpr std::uint64_t kTake = 1;

std::string print_quantity(const Quantity& quantity) {
  std::string number = std::to_string(quantity.amount);
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) number.pop_back();
  return number + " " + std::string(choice_names(Unit{}).at(static_cast<std::size_t>(quantity.unit)));
}

}  // namespace

std::vector<std::uint32_t> take_rows(const SourceOptions& source, std::uint64_t seed,
                                     std::vector<std::uint64_t> keys) {
  const auto count = static_cast<std::int64_t>(keys.size());
  if (!source.take) {
    std::vector<std::uint32_t> all(keys.size());
    std::iota(all.begin(), all.end(), 0u);
    return all;
  }
  const std::int64_t wanted = source.take->count_of(count);
  const std::string found = source.path + ": take: " + print_quantity(*source.take) + ", found " +
                            std::to_string(count) + " rows that can be trained on";
  if (wanted > count)
    throw Error(Error::Kind::kData, found + "; lower take, or use weight to see rows more than once");
  if (wanted < 1)
    throw Error(Error::Kind::kData, found + ", of which this is none; raise take or leave the source out");
  number_copies(keys);
  return pick(keys, mix(seed, kTake), static_cast<std::size_t>(wanted));
}

}  // namespace caravan::data
