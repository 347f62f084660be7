// Word problems whose answer is one number.
#pragma once

#include <memory>

#include "data/rewards/verifier.h"

namespace caravan::data {

std::unique_ptr<Verifier> make_gsm8k(const VerifierOptions& options);

// The last number of a text by the reference's pattern, commas between digits removed; the whole text where
// there is none. `tulu3`: the pattern of Tulu 3, which kept no sign on whole numbers.
std::string last_number_by_rules(std::string_view text, bool tulu3);

}  // namespace caravan::data
