#include "data/synthesis/request_slices.h"

#include <algorithm>

#include "data/error.h"

namespace caravan::data {

void ask_in_slices(TextGenerator& generator, std::size_t count,
                   const std::function<GenerationRequest(std::size_t)>& make,
                   const std::function<void(std::size_t, const GenerationRequest&, Generation&)>& take) {
  for (std::size_t begin = 0; begin < count; begin += kMaxRequestsAtOnce) {
    const std::size_t end = std::min(count, begin + kMaxRequestsAtOnce);
    std::vector<GenerationRequest> requests;
    for (std::size_t i = begin; i < end; ++i) requests.push_back(make(i));
    std::vector<Generation> made = generator.generate(requests);
    if (made.size() != requests.size())
      throw Error(Error::Kind::kInternal, generator.name() + ": gave " + std::to_string(made.size()) +
                                              " texts for " + std::to_string(requests.size()) + " requests");
    for (std::size_t i = begin; i < end; ++i) take(i, requests[i - begin], made[i - begin]);
  }
}

}  // namespace caravan::data
