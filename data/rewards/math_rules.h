// The reference's string rules for LaTeX answers, to the letter: what it takes for an answer, Minerva's
// normalisation and Hendrycks' equality.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/rewards/verifier.h"

namespace caravan::data {

struct MathCandidate {
  std::string_view rule;  // boxed, minerva_phrase, last_dollars, whole_text_normalised, whole_text
  std::string text;
};
std::vector<MathCandidate> math_candidates(std::string_view completion);

std::string minerva_form(std::string_view answer);
// What follows "Final Answer: The final answer is" up to ". I hope it is correct.", in Minerva's form.
std::optional<std::string> minerva_phrase(std::string_view completion);
// Nothing where the reference's code raises an exception.
std::optional<std::string> hendrycks_form(std::string_view answer);
bool hendrycks_equal(std::string_view a, std::string_view b);

std::unique_ptr<Verifier> make_math_by_rules(bool strict);

}  // namespace caravan::data
