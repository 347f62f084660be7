#include "data/rewards/verifier.h"

#include <exception>
#include <new>

#include "data/tokenizers/unicode.h"

namespace caravan::data {

Judgement Verifier::verify(std::string_view completion, const Json& ground_truth) const noexcept {
  try {
    if (completion.size() > kMostBytes)
      return unknown("the completion is longer than " + std::to_string(kMostBytes >> 20) + " MiB");
    if (ground_truth.is_null() && needs_truth()) return unknown("the ground truth is missing");
    if (find_invalid_utf8(completion) == std::string_view::npos) return judge(completion, ground_truth);
    std::string repaired;
    append_lossy(completion, Replacement::kPerPart, repaired);
    return judge(repaired, ground_truth);
  } catch (const std::bad_alloc&) {
    return unknown("out of memory");  // short enough for the string's own storage
  } catch (const std::exception&) {
    return unknown("internal error");
  }
}

}  // namespace caravan::data
