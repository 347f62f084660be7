// Problems whose answer is a formula.
#pragma once

#include <memory>

#include "data/rewards/verifier.h"

namespace caravan::data {

std::unique_ptr<Verifier> make_math(const VerifierOptions& options);
// By the reference's rules, only the Minerva phrase or the whole text is read; sound rules are those of
// make_math.
std::unique_ptr<Verifier> make_strict_math(const VerifierOptions& options);

}  // namespace caravan::data
