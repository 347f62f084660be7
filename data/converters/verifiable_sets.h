// Prompts whose answers a program can check: messages, ground_truth and dataset (the name of the verifier),
// both as lists.
#pragma once

#include "data/converters/converter.h"

namespace caravan::data {

bool fits_rlvr(const JsonValue& row);
void convert_rlvr(const JsonValue& row, Conversion& out);
// question, answer that ends in "#### N"
bool fits_gsm8k(const JsonValue& row);
void convert_gsm8k(const JsonValue& row, Conversion& out);
// problem, solution with \boxed{...}
bool fits_math(const JsonValue& row);
void convert_math(const JsonValue& row, Conversion& out);
// context, answer, chain_of_thought
bool fits_math_steps(const JsonValue& row);
void convert_math_steps(const JsonValue& row, Conversion& out);
// prompt, instruction_id_list, kwargs
bool fits_ifeval(const JsonValue& row);
void convert_ifeval(const JsonValue& row, Conversion& out);
// Body, Question, Answer
bool fits_svamp(const JsonValue& row);
void convert_svamp(const JsonValue& row, Conversion& out);
// input, target
bool fits_mawps(const JsonValue& row);
void convert_mawps(const JsonValue& row, Conversion& out);
// question, test_cases
bool fits_acecode(const JsonValue& row);
void convert_acecode(const JsonValue& row, Conversion& out);

}  // namespace caravan::data
