#include "data/rewards/form_verifiers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "data/bounded_json.h"
#include "data/chat/jinja_unicode.h"
#include "data/error.h"
#include "data/rewards/answer_text.h"
#include "data/rewards/pattern.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

AnswerPart answer_by(Rules rules, std::string_view completion) {
  if (rules == Rules::kSound) return answer_part(completion);
  return {strip_thinking(completion), std::nullopt};
}

class Regex : public Verifier {
 public:
  explicit Regex(Rules rules) : rules_(rules) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    bool whole = false, ignore_case = false;
    Json patterns = ground_truth;
    if (ground_truth.is_object()) {
      patterns = ground_truth.value("pattern", Json());
      whole = ground_truth.value("whole", Json(false)) == true;
      ignore_case = ground_truth.value("ignore_case", Json(false)) == true;
    }
    const std::vector<std::string> expressions = allowed_answers(patterns);
    if (expressions.empty()) return unknown("the ground truth holds no regular expression");
    const AnswerPart part = answer_by(rules_, completion);
    if (part.verdict) return *part.verdict;
    for (const std::string& expression : expressions) {
      try {
        const Pattern pattern(expression, ignore_case);
        const PatternResult result = whole ? pattern.match_all(part.text) : pattern.search(part.text);
        if (result == PatternResult::kGaveUp)
          return unknown("the search for " + shown(expression) + " took too many steps");
        if (result == PatternResult::kFound) return right(shown(expression) + " matches");
      } catch (const Error& error) {
        return unknown(error.what());
      }
    }
    return wrong(shown(expressions.front()) + " does not match");
  }

  Rules rules_;
};

std::string_view without_fences(std::string_view text) {
  text = trim(text);
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  text = text.substr(3, text.size() - 6);
  const std::size_t line_end = text.find('\n');
  if (line_end != std::string_view::npos && lower(trim(text.substr(0, line_end))) == "json")
    text.remove_prefix(line_end);
  return trim(text);
}

class JsonAnswer : public Verifier {
 public:
  explicit JsonAnswer(Rules rules) : rules_(rules) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const AnswerPart part = answer_by(rules_, completion);
    if (part.verdict) return *part.verdict;
    const std::string_view text = without_fences(part.text);
    if (is_nested_deeper(text)) return unknown("the JSON may be nested deeper than 256 levels");
    // Objects of this type are equal whatever the order of their keys.
    const nlohmann::json got = nlohmann::json::parse(text, nullptr, false);
    if (got.is_discarded()) return wrong("the answer is no JSON");
    if (ground_truth == true) return right("the answer is JSON");
    nlohmann::json want = ground_truth;
    if (want.is_string()) {
      nlohmann::json inside = parse_bounded_json<nlohmann::json>(want.get<std::string>());
      if (!inside.is_discarded()) want = std::move(inside);
    }
    return right_if(got == want, got == want ? "the JSON is equal" : "the JSON is another value");
  }

  Rules rules_;
};

std::optional<double> number_under(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

class Length : public Verifier {
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const AnswerPart part = answer_part(completion);
    if (part.verdict) return *part.verdict;
    const auto characters = static_cast<double>(jinja::count_chars(part.text));
    const auto words = static_cast<double>(split_words(part.text).size());
    if (ground_truth.is_number())
      return right_if(characters <= ground_truth.get<double>(),
                      std::to_string(static_cast<std::int64_t>(characters)) + " characters");
    bool any = false;
    for (const auto& [key, count, least] : {std::tuple{"min_words", words, true},
                                            {"max_words", words, false},
                                            {"min_characters", characters, true},
                                            {"max_characters", characters, false}}) {
      const std::optional<double> bound = number_under(ground_truth, key);
      if (!bound) continue;
      any = true;
      if (least ? count < *bound : count > *bound)
        return wrong(std::to_string(static_cast<std::int64_t>(count)) + " against " + key);
    }
    if (!any)
      return unknown("the ground truth has none of min_words, max_words, min_characters, max_characters");
    return right("the length is within its bounds");
  }
};

// Scores by distance from a length in tokens: the reference's max_length and up_to_max_length.
class TokenLength : public Verifier {
 public:
  TokenLength(const VerifierOptions& options, bool shorter_is_fine)
      : most_(options.max_length),
        min_score_(options.rules == Rules::kSound ? 0.0 : -std::numeric_limits<double>::infinity()),
        shorter_is_fine_(shorter_is_fine) {}

 private:
  Judgement judge(std::string_view, const Json& ground_truth) const override {
    const std::optional<double> target = number_under(ground_truth, "target"),
                                tokens = number_under(ground_truth, "num_tokens");
    if (!target || !tokens) return unknown("the ground truth needs target and num_tokens");
    const double off = *tokens - *target;
    if (!(*tokens >= 0 && *tokens <= 1e15)) return unknown("num_tokens is no number of tokens");
    const double score = std::max(min_score_, 1 - (off < 0 && shorter_is_fine_ ? 0 : std::abs(off)) / most_);
    const std::string reason = std::to_string(static_cast<std::int64_t>(*tokens)) + " tokens";
    return {score >= 1 ? Verdict::kRight : Verdict::kWrong, score, reason};
  }

  double most_, min_score_;
  bool shorter_is_fine_;
};

class ThinkFormat : public Verifier {
  bool needs_truth() const override { return false; }
  Judgement judge(std::string_view completion, const Json&) const override {
    const std::size_t opens = count_of(completion, "<think>"), closes = count_of(completion, "</think>");
    // Templates may have opened the thought in the prompt.
    if (closes != 1 || opens > 1) return wrong("not exactly one closed thought");
    const std::size_t close = completion.find("</think>");
    if (opens == 1 && !trim(completion.substr(0, completion.find("<think>"))).empty())
      return wrong("something stands before the thought");
    const std::size_t begin = opens == 1 ? completion.find("<think>") + 7 : 0;
    if (begin > close) return wrong("the thought closes before it opens");
    if (trim(completion.substr(begin, close - begin)).empty()) return wrong("the thought is empty");
    const std::string_view rest = completion.substr(close + 8);
    const std::size_t answer_opens = count_of(rest, "<answer>"), answer_closes = count_of(rest, "</answer>");
    if (answer_opens != answer_closes || answer_opens > 1) return wrong("the <answer> tags do not pair up");
    if (answer_opens == 1 && rest.find("<answer>") > rest.find("</answer>"))
      return wrong("the <answer> tags do not pair up");
    const std::string plain = replace_all(replace_all(rest, "<answer>", ""), "</answer>", "");
    return right_if(!trim(plain).empty(),
                    trim(plain).empty() ? "nothing follows the thought" : "a thought, then an answer");
  }
};

class R1Format : public Verifier {
  bool needs_truth() const override { return false; }
  Judgement judge(std::string_view completion, const Json&) const override {
    constexpr std::string_view kThought = "</think>", kOpen = "<answer>", kClose = "</answer>";
    const std::size_t last_close = completion.rfind(kClose);
    for (std::size_t at = completion.find(kThought); at != std::string_view::npos && last_close != at;
         at = completion.find(kThought, at + kThought.size())) {
      const std::size_t begin = at + kThought.size(),
                        open = std::min(completion.find('<', begin), completion.size());
      if (completion.substr(open).starts_with(kOpen) &&
          trim(completion.substr(begin, open - begin)).empty() && last_close != std::string_view::npos &&
          last_close > open)
        return right("the R1 form");
    }
    return wrong("no </think> with <answer>...</answer> behind it");
  }
};

}  // namespace

std::unique_ptr<Verifier> make_regex(const VerifierOptions& options) {
  return std::make_unique<Regex>(options.rules);
}
std::unique_ptr<Verifier> make_json(const VerifierOptions& options) {
  return std::make_unique<JsonAnswer>(options.rules);
}
std::unique_ptr<Verifier> make_length(const VerifierOptions&) {
  return std::make_unique<Length>();
}
std::unique_ptr<Verifier> make_max_length(const VerifierOptions& options) {
  return std::make_unique<TokenLength>(options, false);
}
std::unique_ptr<Verifier> make_up_to_max_length(const VerifierOptions& options) {
  return std::make_unique<TokenLength>(options, true);
}
std::unique_ptr<Verifier> make_think_format(const VerifierOptions&) {
  return std::make_unique<ThinkFormat>();
}
std::unique_ptr<Verifier> make_r1_format(const VerifierOptions&) {
  return std::make_unique<R1Format>();
}

}  // namespace caravan::data
