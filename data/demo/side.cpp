#include "data/demo/side.h"

#include <cstdint>
#include <string>

#include "data/error.h"

namespace caravan::data {
namespace {

constexpr std::uint64_t kHeldOutShare = 8;
constexpr int kMaxTries = 1000;

// FNV-1a: the same with every standard library.
std::uint64_t hash_key(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash ^ (hash >> 32);
}

}  // namespace

Side side_of(const Exchange& exchange) {
  return hash_key(exchange.operands) % kHeldOutShare == 0 ? Side::kHeldOut : Side::kTraining;
}

Exchange draw_exchange(Random& random, Side side, Difficulty difficulty) {
  const auto makers = random.below(5) < 2 ? text_makers(difficulty) : arithmetic_makers();
  const MakeExchange maker = random.pick(makers);
  for (int tries = 0; tries < kMaxTries; ++tries) {
    Exchange made = maker(random, difficulty);
    if (side_of(made) == side) return made;
  }
  throw Error(Error::Kind::kUsage, "demo data: no held-out problem of a kind was found in " +
                                       std::to_string(kMaxTries) +
                                       " draws; this difficulty leaves too few different problems");
}

}  // namespace caravan::data
