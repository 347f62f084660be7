#include "data/rewards/verifier.h"

#include <exception>
#include <new>
#include <vector>

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

bool is_utf8(const Json& truth) {
  std::vector<const Json*> left = {&truth};
  while (!left.empty()) {
    const Json& value = *left.back();
    left.pop_back();
    if (value.is_string() && find_invalid_utf8(value.get_ref<const std::string&>()) != std::string_view::npos)
      return false;
    if (value.is_object())
      for (const auto& [key, element] : value.items())
        if (find_invalid_utf8(key) != std::string_view::npos) return false;
    if (value.is_structured())
      for (const Json& element : value) left.push_back(&element);
  }
  return true;
}

}  // namespace

Judgement Verifier::verify(std::string_view completion, const Json& ground_truth) const noexcept {
  try {
    if (completion.size() > kMaxBytes)
      return unknown("the completion is longer than " + std::to_string(kMaxBytes >> 20) + " MiB");
    if (ground_truth.is_null() && needs_truth()) return unknown("the ground truth is missing");
    if (!is_utf8(ground_truth)) return unknown("the ground truth is no valid UTF-8");
    std::string repaired;
    if (find_invalid_utf8(completion) != std::string_view::npos) {
      repaired = completion;
      repair(repaired);
      completion = repaired;
    }
    Judgement judgement = judge(completion, ground_truth);
    repair(judgement.reason);  // what it quotes may be cut within a character
    return judgement;
  } catch (const std::bad_alloc&) {
    return unknown("out of memory");  // short enough for the string's own storage
  } catch (const std::exception&) {
    return unknown("internal error");
  }
}

}  // namespace caravan::data
