#include "data/rewards/ifeval.h"

#include "data/error.h"
#include "data/rewards/answer_text.h"
#include "data/rewards/instruction.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

// Published sets have lists of a few; more is a mistake or an attack.
constexpr std::size_t kMaxInstructions = 64;

Judgement judged(Verdict verdict, const std::string& name) {
  if (verdict == Verdict::kUnknown) return unknown(name + " cannot be told");
  return right_if(verdict == Verdict::kRight,
                  name + (verdict == Verdict::kRight ? " is followed" : " is not followed"));
}

template <class Check>
Judgement run_check(const std::string& name, Check check) {
  try {
    const std::optional<Verdict> verdict = check();
    return verdict ? judged(*verdict, name) : unknown("the instruction " + shown(name) + " is not known");
  } catch (const BadArgument& bad) {
    return unknown(name + ": " + bad.reason);
  } catch (const Error& error) {
    return unknown(name + ": " + error.what());
  }
}

Judgement judge_function(const Json& truth, std::string_view text, bool by_rules) {
  const auto name = truth.find("func_name");
  if (name == truth.end() || !name->is_string()) return unknown("the ground truth names no func_name");
  const auto& function = name->get_ref<const std::string&>();
  const InstructionArguments arguments(truth);
  return run_check(function, [&] { return check_function(function, arguments, text, by_rules); });
}

// The text and, for loose checking, its seven relatives.
std::vector<std::string> variants(std::string_view text, bool loose) {
  std::vector<std::string> all{std::string(text)};
  if (!loose) return all;
  const std::size_t first = text.find('\n'), last = text.rfind('\n');
  const bool lines = first != std::string_view::npos;
  all.emplace_back(lines ? trim(text.substr(first + 1)) : std::string_view());
  all.emplace_back(lines ? trim(text.substr(0, last)) : std::string_view());
  all.emplace_back(lines && last > first ? trim(text.substr(first + 1, last - first - 1))
                                         : std::string_view());
  for (std::size_t i = 0; i < 4; ++i) all.push_back(replace_all(all[i], "*", ""));
  return all;
}

struct Instructions {
  const Json* ids = nullptr;
  const Json* arguments = nullptr;
};

Instructions find_instructions(const Json& truth) {
  Instructions found;
  for (const char* key : {"instruction_id", "instruction_id_list"}) {
    if (const auto at = truth.find(key); at != truth.end() && at->is_array()) found.ids = &*at;
  }
  if (const auto at = truth.find("kwargs"); at != truth.end() && at->is_array()) found.arguments = &*at;
  return found;
}

class IfEval : public Verifier {
 public:
  IfEval(Rules rules, bool loose) : rules_(rules), loose_(loose) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const Json truth = truth_object(ground_truth);
    if (truth.is_null()) return unknown("the ground truth is no object");
    const AnswerPart part = rules_ == Rules::kSound ? answer_part(completion)
                                                    : AnswerPart{strip_thinking(completion), std::nullopt};
    if (part.verdict) return *part.verdict;
    if (truth.contains("func_name")) return judge_function(truth, part.text, rules_ != Rules::kSound);
    const Instructions asked = find_instructions(truth);
    if (asked.ids == nullptr || asked.ids->size() > kMaxInstructions)
      return unknown("the ground truth has no list of at most 64 ids under instruction_id");
    if (asked.ids->empty())
      return rules_ == Rules::kSound ? unknown("no instruction is asked for")
                                     : wrong("no instruction is asked for");
    if (asked.arguments != nullptr && asked.arguments->size() != asked.ids->size())
      return unknown("instruction_id and kwargs differ in length");
    if (trim(part.text).empty()) return wrong("the answer is empty");
    return judge_all(asked, part.text);
  }

  Judgement judge_all(const Instructions& asked, std::string_view text) const {
    const std::vector<std::string> texts = variants(text, loose_);
    std::size_t followed = 0;
    Judgement first_wrong, first_unknown;
    bool any_wrong = false, any_unknown = false;
    for (std::size_t i = 0; i < asked.ids->size(); ++i) {
      const Judgement one = judge_one((*asked.ids)[i], asked.arguments ? (*asked.arguments)[i] : Json(),
                                      texts, rules_ != Rules::kSound);
      followed += one.verdict == Verdict::kRight;
      if (one.verdict == Verdict::kWrong && !std::exchange(any_wrong, true)) first_wrong = one;
      if (one.verdict == Verdict::kUnknown && !std::exchange(any_unknown, true)) first_unknown = one;
    }
    const std::size_t all = asked.ids->size();
    const double mean = static_cast<double>(followed) / static_cast<double>(all);
    if (any_wrong) {
      first_wrong.score = rules_ == Rules::kSound ? 0 : mean;
      first_wrong.reason += ", " + std::to_string(followed) + " of " + std::to_string(all) + " are";
      return first_wrong;
    }
    if (any_unknown) return first_unknown;
    return right(std::to_string(all) +
                 (all == 1 ? " instruction is followed" : " instructions are followed"));
  }

  static Judgement judge_one(const Json& id, const Json& kwargs, const std::vector<std::string>& texts,
                             bool by_rules) {
    if (!id.is_string()) return unknown("an instruction id is no text");
    if (!kwargs.is_null() && !kwargs.is_object())
      return unknown("the kwargs of an instruction are no object");
    const auto& name = id.get_ref<const std::string&>();
    const InstructionArguments arguments(kwargs);
    Judgement last;
    for (const std::string& text : texts) {
      if (trim(text).empty()) continue;
      last = run_check(name, [&] { return check_instruction(name, arguments, text, by_rules); });
      if (last.verdict == Verdict::kRight) break;
    }
    return last;
  }

  Rules rules_;
  bool loose_;
};

class IfEvalOld : public Verifier {
 public:
  explicit IfEvalOld(Rules rules) : rules_(rules) {}

 private:
  Judgement judge(std::string_view completion, const Json& ground_truth) const override {
    const Json truth = truth_object(ground_truth);
    if (truth.is_null()) return unknown("the ground truth is no object");
    if (rules_ != Rules::kSound) return judge_function(truth, strip_thinking(completion), true);
    const AnswerPart part = answer_part(completion);
    return part.verdict ? *part.verdict : judge_function(truth, part.text, false);
  }

  Rules rules_;
};

}  // namespace

std::unique_ptr<Verifier> make_ifeval(const VerifierOptions& options) {
  return std::make_unique<IfEval>(options.rules, false);
}
std::unique_ptr<Verifier> make_ifeval_loose(const VerifierOptions& options) {
  return std::make_unique<IfEval>(options.rules, true);
}
std::unique_ptr<Verifier> make_ifeval_old(const VerifierOptions& options) {
  return std::make_unique<IfEvalOld>(options.rules);
}

}  // namespace caravan::data
