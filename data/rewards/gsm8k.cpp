#include "data/rewards/gsm8k.h"

#include <algorithm>

#include "data/rewards/answer_text.h"
#include "data/rewards/boxed.h"
#include "data/rewards/number_scan.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

// Where the completion says that this is its answer.
struct Claim {
  enum class Kind { kMarked, kPhrase, kNone } kind = Kind::kNone;
  std::string_view text;
};

// Behind the last "answer ... is", "answer:" or "answer =" of a sentence.
std::string_view after_answer_word(std::string_view text, std::string_view lowered) {
  constexpr std::size_t kMaxGap = 80;
  std::size_t from = std::string_view::npos;
  for (int tries = 0; tries < 16; ++tries) {
    const std::size_t word = lowered.rfind("answer", from);
    if (word == std::string_view::npos) return {};
    const std::size_t begin = word + 6, line_end = std::min(text.find('\n', begin), text.size());
    const std::string_view rest = lowered.substr(begin, std::min(line_end - begin, kMaxGap));
    for (const std::string_view link : {" is", ":", "=", " was", " would be", " will be"}) {
      const std::size_t found = rest.find(link);
      if (found == std::string_view::npos || contains(rest.substr(0, found), ". ")) continue;
      const std::string_view claimed =
          text.substr(begin + found + link.size(), line_end - begin - found - link.size());
      return claimed.substr(0, std::min(claimed.find(". "), claimed.size()));
    }
    if (word == 0) return {};
    from = word - 1;
  }
  return {};
}

Claim find_claim(std::string_view text, std::string_view lowered) {
  if (const std::size_t hashes = text.rfind("####"); hashes != std::string_view::npos) {
    const std::string_view rest = text.substr(hashes + 4);
    return {Claim::Kind::kMarked, rest.substr(0, rest.find('\n', rest.find_first_not_of(" \n")))};
  }
  if (const auto box = last_braced(text, "\\boxed")) return {Claim::Kind::kMarked, *box};
  if (const std::string_view phrase = after_answer_word(text, lowered); !trim(phrase).empty())
    return {Claim::Kind::kPhrase, phrase};
  return {Claim::Kind::kNone, text};
}

// A ground truth that is one number and nothing else but a unit of money or per cent.
std::optional<FoundNumber> label_number(std::string_view label) {
  const std::string folded = fold_numbers(label);
  const std::vector<FoundNumber> numbers = find_numbers(folded);
  if (numbers.size() != 1 || numbers[0].too_long) return std::nullopt;
  const std::string_view before = trim_chars(std::string_view(folded).substr(0, numbers[0].begin), " $+");
  const std::string_view after = trim_chars(std::string_view(folded).substr(numbers[0].end), " $.");
  if (!before.empty() || !after.empty()) return std::nullopt;
  return numbers[0];
}

enum class Match { kEqual, kArguable, kDifferent };

Match compare(const FoundNumber& got, const FoundNumber& want) {
  if (got.too_long) return Match::kDifferent;
  if (got.value == want.value) return Match::kEqual;
  const Rational hundred = 100;
  const bool by_hundred = (want.percent && !got.percent && got.value * hundred == want.value) ||
                          (got.percent && !want.percent && want.value * hundred == got.value);
  return by_hundred ? Match::kArguable : Match::kDifferent;
}

std::string shown_number(std::string_view text, const FoundNumber& number) {
  return shown(text.substr(number.begin, number.end - number.begin));
}

// "5 or 6": two answers are none.
bool is_hedged(std::string_view text, const std::vector<FoundNumber>& numbers, std::size_t chosen) {
  const auto joined = [&](std::size_t left, std::size_t right) {
    const std::string_view between = text.substr(numbers[left].end, numbers[right].begin - numbers[left].end);
    return trim(between) == "or" && !(numbers[left].value == numbers[right].value);
  };
  return (chosen > 0 && joined(chosen - 1, chosen)) ||
         (chosen + 1 < numbers.size() && joined(chosen, chosen + 1));
}

// A run of at least four different numbers with nothing but spaces and commas between: guesses, not an
// answer.
bool is_guess_list(std::string_view text, const std::vector<FoundNumber>& numbers) {
  std::vector<Rational> different;
  for (std::size_t i = numbers.size(); i-- > 0 && different.size() < 4;) {
    if (std::find(different.begin(), different.end(), numbers[i].value) == different.end())
      different.push_back(numbers[i].value);
    if (i == 0) break;
    const std::string_view between = text.substr(numbers[i - 1].end, numbers[i].begin - numbers[i - 1].end);
    if (!trim_chars(between, " ,").empty()) break;
  }
  return different.size() >= 4;
}

class Gsm8k : public Verifier {
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const std::vector<std::string> labels = allowed_answers(ground_truth);
    if (labels.empty()) return unknown("the ground truth is no number");
    const AnswerPart part = answer_part(completion);
    if (part.verdict) return *part.verdict;
    const std::string text = fold_numbers(part.text);
    Judgement last;
    for (const std::string& label : labels) {
      last = judge_label(text, label);
      if (last.verdict == Verdict::kRight) break;
    }
    return last;
  }

  static Judgement judge_label(std::string_view text, const std::string& label) {
    const std::optional<FoundNumber> want = label_number(label);
    if (!want) return judge_text(text, label);
    const std::string lowered = lower(text);
    const Claim claim = find_claim(text, lowered.size() == text.size() ? std::string_view(lowered) : text);
    std::string_view claimed = claim.text;
    if (const std::size_t equals = claimed.rfind('=');
        equals != std::string_view::npos && claim.kind != Claim::Kind::kNone)
      claimed.remove_prefix(equals + 1);
    const std::vector<FoundNumber> numbers = find_numbers(claimed);
    if (numbers.empty()) return judge_words(claimed, claim, *want);
    const bool first = claim.kind != Claim::Kind::kNone;
    const std::size_t chosen = first ? 0 : numbers.size() - 1;
    const FoundNumber& got = numbers[chosen];
    const std::string reason =
        std::string(first ? "the claimed answer is " : "the last number is ") + shown_number(claimed, got);
    if (is_hedged(claimed, numbers, chosen)) return wrong("two answers are offered, joined by 'or'");
    if (!first && is_guess_list(claimed, numbers)) return wrong("a list of numbers is no answer");
    const Match match = compare(got, *want);
    if (got.range_end && (match != Match::kDifferent || Rational(0) - got.value == want->value))
      return unknown("the answer ends a range or has a minus sign: " + shown_number(claimed, got));
    if (match == Match::kEqual) return right(reason);
    if (match == Match::kArguable) return unknown(reason + "; per cent against a plain number");
    if (claim.kind == Claim::Kind::kPhrase && names_elsewhere(text, numbers, *want))
      return unknown(reason + ", but another number near it is the expected one");
    return wrong(reason + ", not " + shown(label));
  }

  // Another number of the claim's sentence, or the last one of the text.
  static bool names_elsewhere(std::string_view text, const std::vector<FoundNumber>& claimed,
                              const FoundNumber& want) {
    const auto equal = [&](const FoundNumber& number) { return compare(number, want) == Match::kEqual; };
    if (std::any_of(claimed.begin(), claimed.end(), equal)) return true;
    const std::vector<FoundNumber> numbers = find_numbers(text);
    return !numbers.empty() && equal(numbers.back());
  }

  static Judgement judge_words(std::string_view claimed, const Claim& claim, const FoundNumber& want) {
    const std::optional<WordNumber> words = number_in_words(lower(claimed.substr(0, 4096)));
    if (!words)
      return wrong(claim.kind == Claim::Kind::kNone ? "there is no number"
                                                    : "the claimed answer has no number");
    if (!words->plain) return unknown("the answer in words is more than one whole number");
    return right_if(words->value == want.value, "the answer in words is " + words->value.to_string());
  }

  // Labels that are no number, such as 10:30.
  static Judgement judge_text(std::string_view text, const std::string& label) {
    const std::string want = lower(trim(label)), got = lower(trim(trim_chars(trim(text), ".")));
    const bool has_digit = want.find_first_of("0123456789") != std::string::npos;
    if (!has_digit) return unknown("the ground truth " + shown(label) + " is no number");
    if (got == want) return right("the whole answer is " + shown(got));
    if (contains(got, want))
      return unknown("the ground truth is no number, and the answer says more than it");
    return wrong("the answer does not say " + shown(label));
  }
};

// The reference's rule: equality as text with the last number.
class Gsm8kByRules : public Verifier {
 public:
  explicit Gsm8kByRules(bool tulu3) : tulu3_(tulu3) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const std::vector<std::string> labels = allowed_answers(ground_truth);
    if (labels.empty()) return unknown("the ground truth is no number");
    if (tulu3_) {
      constexpr std::string_view kRole = "<|assistant|>\n";
      const std::size_t role = completion.rfind(kRole);
      if (role != std::string_view::npos) completion.remove_prefix(role + kRole.size());
    }
    const std::string got = lower(last_number_by_rules(completion, tulu3_));
    const bool equal =
        std::any_of(labels.begin(), labels.end(), [&](const auto& label) { return lower(label) == got; });
    return right_if(equal, "the last number is " + shown(got));
  }

  bool tulu3_;
};

}  // namespace

std::unique_ptr<Verifier> make_gsm8k(const VerifierOptions& options) {
  if (options.rules == Rules::kSound) return std::make_unique<Gsm8k>();
  return std::make_unique<Gsm8kByRules>(options.rules == Rules::kOpenInstructTulu3);
}

}  // namespace caravan::data
