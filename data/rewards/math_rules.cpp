#include "data/rewards/math_rules.h"

#include <algorithm>

#include "data/rewards/answer_text.h"
#include "data/rewards/text_pieces.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

constexpr std::string_view kBoxed = "\\boxed", kSpaced = "\\boxed ", kBraced = "\\boxed{";

// From the last box to the brace that closes it.
std::optional<std::string_view> last_box(std::string_view text) {
  const std::size_t begin = text.rfind(kBoxed);
  if (begin == std::string_view::npos) return std::nullopt;
  std::int64_t depth = 0;
  for (std::size_t at = begin; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && --depth == 0) return text.substr(begin, at + 1 - begin);
  }
  return std::nullopt;
}

std::optional<std::string> boxed_answer(std::string_view text) {
  if (const std::size_t spaced = text.rfind(kSpaced); spaced != std::string_view::npos) {
    const std::string_view rest = text.substr(spaced + kSpaced.size());
    return std::string(rest.substr(0, rest.find('$')));
  }
  // An \fbox is found by the reference and then discarded for its wrapper.
  const std::optional<std::string_view> box = last_box(text);
  if (!box || !box->starts_with(kBraced)) return std::nullopt;
  return std::string(box->substr(kBraced.size(), box->size() - kBraced.size() - 1));
}

Judgement judge_candidates(const std::vector<MathCandidate>& candidates, const Json& ground_truth) {
  const std::vector<std::string> labels = allowed_answers(ground_truth);
  if (labels.empty()) return unknown("the ground truth is no text");
  for (const MathCandidate& candidate : candidates) {
    for (const std::string& label : labels) {
      if (hendrycks_equal(candidate.text, label))
        return right(std::string(candidate.rule) + " " + shown(candidate.text));
    }
  }
  return wrong(std::string(candidates.front().rule) + " " + shown(candidates.front().text) + " is not " +
               shown(labels.front()));
}

class MathByRules : public Verifier {
 public:
  explicit MathByRules(bool strict) : strict_(strict) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    if (!strict_) return judge_candidates(math_candidates(completion), ground_truth);
    const std::optional<std::string> phrase = minerva_phrase(completion);
    if (phrase && *phrase != "[invalidanswer]")
      return judge_candidates({{"minerva_phrase", *phrase}}, ground_truth);
    return judge_candidates({{"whole_text_normalised", minerva_form(completion)}}, ground_truth);
  }

  bool strict_;
};

}  // namespace

std::optional<std::string> minerva_phrase(std::string_view completion) {
  constexpr std::string_view kOpen = "Final Answer: The final answer is", kClose = " I hope it is correct";
  const std::string text = std::string(completion) + "I hope it is correct.";
  const std::string_view all = text;
  for (std::size_t open = all.find(kOpen); open != std::string_view::npos;) {
    const std::size_t begin = open + kOpen.size(), line_end = std::min(all.find('\n', begin), all.size());
    // One character, any, stands before the closing words and one behind them.
    const std::size_t close = all.substr(0, line_end).find(kClose, begin + 1);
    if (close == std::string_view::npos || close + kClose.size() >= line_end) {
      // Nor does any that opens further on in this line close.
      open = all.find(kOpen, line_end);
      continue;
    }
    const auto end = static_cast<std::size_t>(previous_valid(all.data() + close) - all.data());
    return minerva_form(trim(all.substr(begin, end - begin)));
  }
  return std::nullopt;
}

std::vector<MathCandidate> math_candidates(std::string_view completion) {
  std::vector<MathCandidate> candidates;
  if (auto box = boxed_answer(completion)) candidates.push_back({"boxed", std::move(*box)});
  if (auto phrase = minerva_phrase(completion); phrase && *phrase != "[invalidanswer]")
    candidates.push_back({"minerva_phrase", std::move(*phrase)});
  if (!candidates.empty()) return candidates;
  const std::size_t last = completion.rfind('$');
  if (last != std::string_view::npos && last > 0) {
    const std::size_t first = completion.rfind('$', last - 1);
    if (first != std::string_view::npos)
      return {{"last_dollars", minerva_form(completion.substr(first + 1, last - first - 1))}};
  }
  return {{"whole_text_normalised", minerva_form(completion)}, {"whole_text", std::string(completion)}};
}

bool hendrycks_equal(std::string_view a, std::string_view b) {
  const std::optional<std::string> first = hendrycks_form(a), second = hendrycks_form(b);
  return first && second ? *first == *second : a == b;
}

std::unique_ptr<Verifier> make_math_by_rules(bool strict) {
  return std::make_unique<MathByRules>(strict);
}

}  // namespace caravan::data
