// Verifiers that compare texts: after SQuAD's normalisation, or by shared words.
#pragma once

#include <memory>

#include "data/rewards/verifier.h"

namespace caravan::data {

std::unique_ptr<Verifier> make_string(const VerifierOptions& options);          // the whole answer
std::unique_ptr<Verifier> make_flan(const VerifierOptions& options);            // after "The answer is: "
std::unique_ptr<Verifier> make_string_matcher(const VerifierOptions& options);  // between <answer> tags
std::unique_ptr<Verifier> make_search(const VerifierOptions& options);          // between <finish> tags
std::unique_ptr<Verifier> make_string_f1(const VerifierOptions& options);
std::unique_ptr<Verifier> make_search_f1(const VerifierOptions& options);

}  // namespace caravan::data
