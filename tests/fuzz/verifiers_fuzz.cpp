// A completion under a verifier by its name, with each set of rules, against a ground truth in JSON or as a
// text. Input: a line with the name, one with the truth, the completion.
#include "data/rewards/verifier_table.h"
#include "data/tokenizers/unicode.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("verifiers", [](fuzz::Input input) {
  const auto table = data::verifier_table();
  const auto entry = std::ranges::find(table, input.line(), &data::VerifierEntry::name);
  if (entry == table.end()) return;
  const std::string truth(input.line());
  data::Json parsed = data::Json::parse(truth, nullptr, false);
  if (parsed.is_discarded()) parsed = truth;
  for (const auto rules :
       {data::Rules::kSound, data::Rules::kOpenInstruct, data::Rules::kOpenInstructTulu3}) {
    const data::Judgement judgement = entry->make({.rules = rules})->verify(input.rest(), parsed);
    fuzz::require(judgement.score >= 0 && judgement.score <= 1, "scores lie between 0 and 1");
    fuzz::require(!judgement.reason.empty(), "a verdict has a reason");
    fuzz::require(data::find_invalid_utf8(judgement.reason) == std::string_view::npos, "reasons are UTF-8");
  }
});
