#include "trainer/distributed/rank_threads.h"

#include <charconv>

namespace caravan::trainer {

ThreadChoice threads_of_rank(int cores, const RankPlace& place, const Environment& environment) {
  const auto found = environment.find("OMP_NUM_THREADS");
  const std::string set = found == environment.end() ? "" : found->second;
  const std::string share = std::to_string(cores) + " threads a rank, its share of the cores";
  int wanted = 0;
  const auto [end, error] = std::from_chars(set.data(), set.data() + set.size(), wanted);
  if (set.empty() || error != std::errc() || end != set.data() + set.size() || wanted < 1)
    return {cores, share + "; run.threads sets another number"};
  if (wanted == 1 && place.source == "torchrun" && cores > 1)
    return {cores, share + "; OMP_NUM_THREADS=1 is torchrun's default and not followed, run.threads=1 is"};
  return {wanted, std::to_string(wanted) + " threads a rank, as OMP_NUM_THREADS says"};
}

}  // namespace caravan::trainer
