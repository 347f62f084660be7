// Verifiers of a text's form: a regular expression, JSON, a length, the tags of thinking.
#pragma once

#include <memory>

#include "data/rewards/verifier.h"

namespace caravan::data {

// Ground truth: an expression that some part of the answer matches (text, or a list: any); or {"pattern",
// "whole": bool, "ignore_case": bool}.
std::unique_ptr<Verifier> make_regex(const VerifierOptions& options);
// Ground truth: the JSON value that the answer must be equal to; true where any JSON will do. Key order does
// not matter.
std::unique_ptr<Verifier> make_json(const VerifierOptions& options);
// Ground truth: characters, or {"min_words", "max_words", "min_characters", "max_characters"}.
std::unique_ptr<Verifier> make_length(const VerifierOptions& options);
// The reference's lengths in tokens. Ground truth: {"target": N, "num_tokens": M}, M being the completion's
// length.
std::unique_ptr<Verifier> make_max_length(const VerifierOptions& options);
std::unique_ptr<Verifier> make_up_to_max_length(const VerifierOptions& options);
// No ground truth: one closed thought, then an answer that is not empty; <answer> tags in pairs where there
// are any.
std::unique_ptr<Verifier> make_think_format(const VerifierOptions& options);
// No ground truth: anything, </think>, <answer>...</answer>: the reference's R1 format.
std::unique_ptr<Verifier> make_r1_format(const VerifierOptions& options);

}  // namespace caravan::data
