// Pairs of answers that somebody already chose between, and single answers with a verdict.
#pragma once

#include "data/converters/converter.h"

namespace caravan::data {

// chosen and rejected: texts with a prompt, lists of messages, or ShareGPT turns behind `conversations`.
bool fits_preference_pairs(const JsonValue& row);
void convert_preference_pairs(const JsonValue& row, Conversion& out);
// Anthropic HH: both sides are one text with "\n\nHuman:" and "\n\nAssistant:" in it.
bool fits_hh(const JsonValue& row);
void convert_hh(const JsonValue& row, Conversion& out);
// An answer with `label` true or false.
bool fits_kto(const JsonValue& row);
void convert_kto(const JsonValue& row, Conversion& out);
// input, output_1, output_2, label 1 or 2
bool fits_llmbar(const JsonValue& row);
void convert_llmbar(const JsonValue& row, Conversion& out);

}  // namespace caravan::data
