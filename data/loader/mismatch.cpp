#include "data/loader/mismatch.h"

#include <algorithm>
#include <numeric>

#include "data/error.h"

namespace caravan::data {
namespace {

std::uint32_t first_trained(const StoredDocument& document) {
  std::uint32_t t = 0;
  while (t < document.ids.size() && !document.trained(t)) ++t;
  return t;
}

// For each place of a ring, how many places further the next one lies that is not equal; 0: all are equal.
std::vector<std::size_t> steps_to_another(const std::vector<Digest>& ring) {
  std::vector<std::size_t> steps(ring.size(), 0);
  // Twice round: what the end needs to know of the beginning is known then.
  for (std::size_t i = 2 * ring.size(); i-- > 0;) {
    const std::size_t here = i % ring.size(), next = (i + 1) % ring.size();
    if (ring[here] != ring[next])
      steps[here] = 1;
    else if (steps[next] > 0)
      steps[here] = steps[next] + 1;
  }
  return steps;
}

}  // namespace

std::vector<Mismatch> find_mismatches(const DocumentSet& documents, std::int64_t max_length) {
  const std::size_t count = documents.documents().size();
  std::vector<std::uint32_t> order(count), begins(count);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t d) { return documents.keys()[d]; });
  std::vector<Digest> prompts;
  for (const std::uint32_t d : order) {
    const StoredDocument stored = documents.stored(d);
    begins[d] = first_trained(stored);
    prompts.push_back(
        digest_of({reinterpret_cast<const char*>(stored.ids.data()), begins[d] * sizeof(std::int32_t)}));
  }
  const std::vector<std::size_t> steps = steps_to_another(prompts);
  std::vector<Mismatch> found(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (steps[i] == 0)
      throw Error(Error::Kind::kData,
                  "data: all " + std::to_string(count) +
                      " rows have the same prompt, so no answer belongs to another one and KTO has no "
                      "baseline; add rows, or take loss.name: apo_zero_unpaired, which needs none");
    Mismatch& mismatch = found[order[i]];
    mismatch.answer_of = order[(i + steps[i]) % count];
    mismatch.prompt_tokens = begins[order[i]];
    mismatch.answer_begin = begins[mismatch.answer_of];
    const StoredDocument other = documents.stored(mismatch.answer_of);
    const auto room = static_cast<std::uint64_t>(max_length) - mismatch.prompt_tokens;
    mismatch.answer_tokens =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(room, other.ids.size() - mismatch.answer_begin));
    // Without a prompt the first token has nothing before it that could tell of it.
    for (std::uint32_t t = mismatch.prompt_tokens == 0 ? 1 : 0; t < mismatch.answer_tokens; ++t)
      mismatch.trained_tokens += other.trained(mismatch.answer_begin + t);
  }
  return found;
}

}  // namespace caravan::data
