#include "data/rewards/verifier_table.h"

#include <array>

#include "data/chat/nearest_name.h"
#include "data/error.h"
#include "data/rewards/form_verifiers.h"
#include "data/rewards/gsm8k.h"
#include "data/rewards/ifeval.h"
#include "data/rewards/math.h"
#include "data/rewards/text_pieces.h"
#include "data/rewards/text_verifiers.h"

namespace caravan::data {
namespace {

constexpr std::array kVerifiers = {
    VerifierEntry{"flan", "a text: what follows the last 'The answer is: '", make_flan},
    VerifierEntry{"gsm8k", "a number", make_gsm8k},
    VerifierEntry{"ifeval",
                  "{instruction_id, kwargs}: all of IFEval's instructions, strictly; or {func_name, ...}",
                  make_ifeval},
    VerifierEntry{"ifeval_loose", "the same, loosely: first and last lines and asterisks may go",
                  make_ifeval_loose},
    VerifierEntry{"ifeval_old", "{func_name, ...}: one constraint of Tulu 3's training prompts",
                  make_ifeval_old},
    VerifierEntry{"json", "the JSON value that the answer is, or true for any", make_json},
    VerifierEntry{"length", "most characters, or {min_words, max_words, min_characters, max_characters}",
                  make_length},
    VerifierEntry{"math", "a LaTeX answer", make_math},
    VerifierEntry{"max_length", "{target, num_tokens}: the score falls with the distance", make_max_length},
    VerifierEntry{"puzzle", "a text: the whole answer", make_string},
    VerifierEntry{"r1_format", "none: ...</think> <answer>...</answer>", make_r1_format},
    VerifierEntry{"re_search", "a text, or a list: what stands between <finish> tags", make_search},
    VerifierEntry{"re_search_f1", "the same, by shared words", make_search_f1},
    VerifierEntry{"regex", "a regular expression, or {pattern, whole, ignore_case}", make_regex},
    VerifierEntry{"strict_math", "a LaTeX answer; of the reference's rules, only the Minerva phrase",
                  make_strict_math},
    VerifierEntry{"string", "a text: the whole answer", make_string},
    VerifierEntry{"string_f1", "a text, or a list: by shared words", make_string_f1},
    VerifierEntry{"string_matcher", "a text: what stands between <answer> tags", make_string_matcher},
    VerifierEntry{"think_format", "none: one closed thought, then an answer", make_think_format},
    VerifierEntry{"up_to_max_length", "{target, num_tokens}: shorter is fine", make_up_to_max_length},
};

}  // namespace

std::span<const VerifierEntry> verifier_table() {
  return kVerifiers;
}

std::unique_ptr<Verifier> make_verifier(std::string_view name, const VerifierOptions& options) {
  const std::string lowered = lower(name);
  std::vector<std::string> known;
  for (const VerifierEntry& entry : kVerifiers) {
    if (entry.name == lowered) return entry.make(options);
    known.emplace_back(entry.name);
  }
  throw Error(Error::Kind::kUsage,
              "no verifier is named " + shown(name) + "; " + nearest_name_advice(lowered, known));
}

}  // namespace caravan::data
