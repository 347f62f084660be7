// Instructions that a text must follow: IFEval, and the single constraints of training prompts.
#pragma once

#include <memory>

#include "data/rewards/verifier.h"

namespace caravan::data {

// Ground truth {"instruction_id": [...], "kwargs": [...]} (also instruction_id_list), or {"func_name": F,
// ...}, or the text of one of them. Strict: the text as it is.
std::unique_ptr<Verifier> make_ifeval(const VerifierOptions& options);
// Loose: also without its first line, its last line, both, and all of these without asterisks.
std::unique_ptr<Verifier> make_ifeval_loose(const VerifierOptions& options);
// Ground truth {"func_name": F, ...}.
std::unique_ptr<Verifier> make_ifeval_old(const VerifierOptions& options);

}  // namespace caravan::data
