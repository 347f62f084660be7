#include "data/rewards/verifier.h"

#include <exception>
#include <new>

#include "data/tokenizers/unicode.h"

namespace caravan::data {

namespace {

// As it is, or with U+FFFD for what is no UTF-8.
void repair(std::string& text) {
  if (find_invalid_utf8(text) == std::string_view::npos) return;
  std::string repaired;
  append_lossy(text, Replacement::kPerPart, repaired);
  text = std::move(repaired);
}

}  // namespace

Judgement Verifier::verify(std::string_view completion, const Json& ground_truth) const noexcept {
  try {
    if (completion.size() > kMostBytes)
      return unknown("the completion is longer than " + std::to_string(kMostBytes >> 20) + " MiB");
    if (ground_truth.is_null() && needs_truth()) return unknown("the ground truth is missing");
    std::string repaired;
    if (find_invalid_utf8(completion) != std::string_view::npos) {
      repaired = completion;
      repair(repaired);
      completion = repaired;
    }
    Judgement judgement = judge(completion, ground_truth);
    repair(judgement.reason);  // it may quote a ground truth, which nobody has checked
    return judgement;
  } catch (const std::bad_alloc&) {
    return unknown("out of memory");  // short enough for the string's own storage
  } catch (const std::exception&) {
    return unknown("internal error");
  }
}

}  // namespace caravan::data
