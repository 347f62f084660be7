#include "data/rewards/math.h"

#include "data/rewards/answer_text.h"
#include "data/rewards/answer_value.h"
#include "data/rewards/boxed.h"
#include "data/rewards/latex_normal.h"
#include "data/rewards/math_rules.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

// A longer formula is compared as text only.
constexpr std::size_t kMaxFormulaBytes = 4096;

enum class Source : std::uint8_t { kBox, kOpenBox, kPhrase, kFormula, kText };

struct Extracted {
  Source source = Source::kText;
  std::string_view text;
};

// The last \boxed{...}, \fbox{...} or "\boxed 5".
std::optional<Extracted> find_box(std::string_view text) {
  std::size_t box = std::string_view::npos, length = 0;
  for (const std::string_view command : {"\\boxed", "\\fbox"}) {
    const std::size_t found = text.rfind(command);
    if (found == std::string_view::npos || (box != std::string_view::npos && found < box)) continue;
    box = found;
    length = command.size();
  }
  if (box == std::string_view::npos) {
    if (contains(text, "boxed{")) return Extracted{Source::kOpenBox, {}};
    return std::nullopt;
  }
  const std::string_view rest = text.substr(box);
  if (const auto inside = last_braced(rest, rest.substr(0, length))) return Extracted{Source::kBox, *inside};
  const std::string_view behind = rest.substr(length);
  const std::string_view argument = trim(behind.substr(0, behind.find_first_of("$\n")));
  if (argument.starts_with('{') || argument.empty() || argument.size() == behind.size())
    return argument.empty() || argument[0] == '{' ? Extracted{Source::kOpenBox, {}}
                                                  : Extracted{Source::kBox, argument};
  return Extracted{Source::kBox, argument};
}

// Behind the last "answer is" or "answer:", to the end of the line or of the sentence.
std::string_view find_phrase(std::string_view text) {
  const std::string lowered = lower(text);
  if (lowered.size() != text.size()) return {};
  std::size_t best = std::string::npos;
  for (const std::string_view phrase : {"answer is", "answer:", "answer is:", "answer**:", "answer:**"}) {
    const std::size_t found = lowered.rfind(phrase);
    if (found != std::string::npos && (best == std::string::npos || found + phrase.size() > best))
      best = found + phrase.size();
  }
  if (best == std::string::npos) return {};
  std::string_view rest = trim_chars(text.substr(best), ": *\n");
  rest = rest.substr(0, rest.find('\n'));
  rest = rest.substr(0, rest.find(". "));
  return trim_chars(rest, " *");
}

// The last formula: between the last two dollars, or \( \), or \[ \].
std::string_view find_formula(std::string_view text) {
  std::size_t best = 0;
  std::string_view formula;
  for (const auto& [open, close] :
       {std::pair<std::string_view, std::string_view>{"\\(", "\\)"}, {"\\[", "\\]"}, {"$", "$"}}) {
    const std::size_t end = text.rfind(close);
    if (end == std::string_view::npos || end == 0 || end < best) continue;
    std::size_t last = end;
    while (open == "$" && last > 0 && text[last - 1] == '$') --last;
    if (last == 0) continue;
    const std::size_t begin = text.rfind(open, last - 1);
    if (begin == std::string_view::npos || begin + open.size() > last) continue;
    best = end;
    formula = text.substr(begin + open.size(), last - begin - open.size());
  }
  return formula;
}

Extracted extract(std::string_view text) {
  if (const std::optional<Extracted> box = find_box(text)) return *box;
  if (const std::string_view phrase = find_phrase(text); !phrase.empty()) return {Source::kPhrase, phrase};
  if (const std::string_view formula = find_formula(text); !trim(formula).empty())
    return {Source::kFormula, formula};
  return {Source::kText, text};
}

Equality compare_parsed(const std::string& got, const std::string& want) {
  if (got.size() > kMaxFormulaBytes || want.size() > kMaxFormulaBytes) return Equality::kUnsure;
  try {
    Algebra algebra;
    const std::optional<AnswerValue> right_answer = parse_answer(want, algebra);
    const std::optional<AnswerValue> answer = parse_answer(got, algebra);
    if (!right_answer || !answer) return Equality::kUnsure;
    return compare_answers(*answer, *right_answer, algebra);
  } catch (const BudgetSpent&) {
    return Equality::kUnsure;
  } catch (const NoValue&) {
    return Equality::kUnsure;
  }
}

// Whether an answer is the wanted one.
Equality compare_formulas(std::string_view got_text, std::string_view want_text) {
  const std::string got = latex_normal(got_text), want = latex_normal(want_text);
  if (got.empty()) return Equality::kDifferent;
  if (latex_key(got) == latex_key(want)) return Equality::kEqual;
  const std::string got_words = latex_words(got), want_words = latex_words(want);
  if (!got_words.empty() && got_words == want_words) return Equality::kEqual;
  const Equality parsed = compare_parsed(got, want);
  if (parsed != Equality::kUnsure) return parsed;
  // Two answers in words that differ, or words where a number was asked for.
  if (!want_words.empty() && (!got_words.empty() || got.find_first_of("0123456789") != std::string::npos))
    return Equality::kDifferent;
  return Equality::kUnsure;
}

std::string name_of(Source source) {
  switch (source) {
    case Source::kBox:
      return "the boxed answer ";
    case Source::kPhrase:
      return "the claimed answer ";
    case Source::kFormula:
      return "the last formula ";
    default:
      return "the answer ";
  }
}

class Math : public Verifier {
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const std::vector<std::string> labels = allowed_answers(ground_truth);
    if (labels.empty()) return unknown("the ground truth is no text");
    const AnswerPart part = answer_part(completion);
    if (part.verdict) return *part.verdict;
    const Extracted found = extract(part.text);
    Judgement last;
    for (const std::string& label : labels) {
      last = judge_label(part.text, found, label);
      if (last.verdict == Verdict::kRight) break;
    }
    return last;
  }

  static Judgement judge_label(std::string_view text, const Extracted& found, const std::string& label) {
    if (trim(label).empty()) return unknown("the ground truth is empty");
    if (found.source == Source::kOpenBox) return unknown("the last box is not closed, or empty");
    const std::string reason = name_of(found.source) + shown(trim(found.text));
    const Equality equality = compare_formulas(found.text, label);
    if (equality == Equality::kEqual) return right(reason);
    if (found.source == Source::kBox) {
      if (equality == Equality::kUnsure) return unknown(reason + " cannot be compared with " + shown(label));
      // Minerva's sentence is a claim of its own; two different ones leave the question open.
      const std::optional<std::string> phrase = minerva_phrase(text);
      if (phrase && !contains(*phrase, "\\boxed") && compare_formulas(*phrase, label) == Equality::kEqual)
        return unknown(reason + " and another claimed answer differ");
      return wrong(reason + " is not " + shown(label));
    }
    return judge_unmarked(text, found, label, reason, equality);
  }

  // Without a box it is less sure what the answer is.
  static Judgement judge_unmarked(std::string_view text, const Extracted& found, const std::string& label,
                                  const std::string& reason, Equality equality) {
    if (found.source != Source::kText && compare_formulas(text, label) == Equality::kEqual)
      return right("the whole answer");
    if (found.source == Source::kPhrase) {
      const std::string_view formula = find_formula(found.text);
      if (!formula.empty() && compare_formulas(formula, label) == Equality::kEqual)
        return right(name_of(found.source) + shown(formula));
    }
    const std::string all = latex_key(latex_normal(text)), want = latex_key(latex_normal(label));
    if (contains(all, want))
      return unknown(reason + " is not sure to be " + shown(label) + ", which the text has too");
    if (equality == Equality::kUnsure && found.source != Source::kText)
      return unknown(reason + " cannot be compared with " + shown(label));
    return wrong(reason + " is not " + shown(label));
  }
};

}  // namespace

std::unique_ptr<Verifier> make_math(const VerifierOptions& options) {
  if (options.rules == Rules::kSound) return std::make_unique<Math>();
  return make_math_by_rules(false);
}

std::unique_ptr<Verifier> make_strict_math(const VerifierOptions& options) {
  if (options.rules == Rules::kSound) return std::make_unique<Math>();
  return make_math_by_rules(true);
}

}  // namespace caravan::data
