#include "data/rewards/text_verifiers.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>

#include "data/rewards/answer_text.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

// What is compared, or the verdict where there is nothing to compare.
using Extract = std::function<AnswerPart(std::string_view completion, Rules rules)>;

AnswerPart whole_answer(std::string_view completion, Rules rules) {
  if (rules == Rules::kSound) return answer_part(completion);
  return {strip_thinking(completion), std::nullopt};
}

AnswerPart after_phrase(std::string_view completion, Rules rules) {
  AnswerPart part =
      rules == Rules::kSound ? answer_part(completion) : AnswerPart{std::string(completion), {}};
  constexpr std::string_view kPhrase = "The answer is: ";
  const std::size_t found = part.text.rfind(kPhrase);
  if (found != std::string::npos) part.text.erase(0, found + kPhrase.size());
  return part;
}

std::string_view between_last(std::string_view text, std::string_view open, std::string_view close) {
  const std::size_t begin = text.rfind(open);
  if (begin != std::string_view::npos) text.remove_prefix(begin + open.size());
  return text.substr(0, text.find(close));
}

AnswerPart in_answer_tags(std::string_view completion, Rules rules) {
  const bool open = contains(completion, "<answer>"), close = contains(completion, "</answer>");
  if (rules != Rules::kSound && !(open && close)) return {{}, wrong("no <answer>...</answer>")};
  if (rules == Rules::kSound) {
    // Without tags the whole answer counts; tags that do not fit together say nothing sure.
    if (!open && !close) return answer_part(completion);
    if (completion.rfind("</answer>") < completion.rfind("<answer>") || !open || !close)
      return {{}, unknown("the <answer> tags do not pair up")};
  }
  return {std::string(between_last(completion, "<answer>", "</answer>")), std::nullopt};
}

AnswerPart in_finish_tags(std::string_view completion, Rules) {
  const std::string folded = lower(completion);
  const std::size_t begin = folded.find("<finish>");
  const std::size_t end = begin == std::string::npos ? begin : folded.find("</finish>", begin);
  if (end == std::string::npos) return {{}, wrong("no <finish>...</finish>")};
  if (folded.size() != completion.size()) return {folded.substr(begin + 8, end - begin - 8), std::nullopt};
  return {std::string(completion.substr(begin + 8, end - begin - 8)), std::nullopt};
}

// Equality with one of the allowed answers in SQuAD's form.
class EqualText : public Verifier {
 public:
  EqualText(Rules rules, Extract extract) : rules_(rules), extract_(std::move(extract)) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const std::vector<std::string> answers = allowed_answers(ground_truth);
    if (answers.empty()) return unknown("the ground truth is no text, number or list of them");
    const AnswerPart part = extract_(completion, rules_);
    if (part.verdict) return *part.verdict;
    const std::string got = squad_form(part.text);
    bool comparable = false;
    for (const std::string& answer : answers) {
      const std::string want = squad_form(answer);
      comparable = comparable || !want.empty();
      if (got == want && (!want.empty() || rules_ != Rules::kSound))
        return right("the answer is " + shown(got));
    }
    if (!comparable && rules_ == Rules::kSound)
      return unknown("the ground truth is empty but for articles and punctuation");
    return wrong("the answer is " + shown(got) + ", not " + shown(squad_form(answers.front())));
  }

  Rules rules_;
  Extract extract_;
};

double word_f1(std::string_view got, std::string_view want) {
  const std::vector<std::string_view> got_words = split_words(got), want_words = split_words(want);
  std::map<std::string_view, std::size_t> left;
  for (const std::string_view word : want_words) ++left[word];
  std::size_t shared = 0;
  for (const std::string_view word : got_words) {
    const auto found = left.find(word);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++shared;
  }
  if (shared == 0) return 0;
  const double precision = static_cast<double>(shared) / static_cast<double>(got_words.size());
  const double recall = static_cast<double>(shared) / static_cast<double>(want_words.size());
  return 2 * precision * recall / (precision + recall);
}

// The share of words in common, best over the allowed answers.
class SharedWords : public Verifier {
 public:
  SharedWords(Rules rules, bool search) : rules_(rules), search_(search) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const std::vector<std::string> answers = allowed_answers(ground_truth);
    if (answers.empty()) return unknown("the ground truth is no text, number or list of them");
    std::string text;
    if (search_) {
      const bool any = contains(completion, "<finish>") || contains(completion, "</finish>");
      if (!any) return wrong("no <finish>...</finish>");
      text = trim(between_last(completion, "<finish>", "</finish>"));
      if (text.empty()) return wrong("nothing between the <finish> tags");
    } else {
      AnswerPart part = whole_answer(completion, rules_);
      if (part.verdict) return *part.verdict;
      text = std::move(part.text);
    }
    const std::string got = squad_form(text);
    double best = 0;
    for (const std::string& answer : answers) best = std::max(best, word_f1(got, squad_form(answer)));
    return marked(best);
  }

  Judgement marked(double f1) const {
    char figure[32];
    std::snprintf(figure, sizeof figure, "F1 of words is %.4f", f1);
    // The reference pays 0.1 for an answer of the right form.
    if (f1 <= 0) return {Verdict::kWrong, search_ && rules_ != Rules::kSound ? 0.1 : 0.0, figure};
    if (f1 >= 1) return right(figure);
    if (rules_ == Rules::kSound) return {Verdict::kUnknown, f1, figure};
    return {f1 >= 0.5 ? Verdict::kRight : Verdict::kWrong, f1, figure};
  }

  Rules rules_;
  bool search_;
};

}  // namespace

std::unique_ptr<Verifier> make_string(const VerifierOptions& options) {
  return std::make_unique<EqualText>(options.rules, whole_answer);
}
std::unique_ptr<Verifier> make_flan(const VerifierOptions& options) {
  return std::make_unique<EqualText>(options.rules, after_phrase);
}
std::unique_ptr<Verifier> make_string_matcher(const VerifierOptions& options) {
  return std::make_unique<EqualText>(options.rules, in_answer_tags);
}
std::unique_ptr<Verifier> make_search(const VerifierOptions& options) {
  return std::make_unique<EqualText>(options.rules, in_finish_tags);
}
std::unique_ptr<Verifier> make_string_f1(const VerifierOptions& options) {
  return std::make_unique<SharedWords>(options.rules, false);
}
std::unique_ptr<Verifier> make_search_f1(const VerifierOptions& options) {
  return std::make_unique<SharedWords>(options.rules, true);
}

}  // namespace caravan::data
