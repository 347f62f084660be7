// Layouts that many sets share: conversations as such, and a column for each side.
#pragma once

#include "data/converters/converter.h"

namespace caravan::data {

bool fits_messages(const JsonValue& row);
void convert_messages(const JsonValue& row, Conversion& out);
bool fits_sharegpt(const JsonValue& row);
void convert_sharegpt(const JsonValue& row, Conversion& out);
bool fits_alpaca(const JsonValue& row);
void convert_alpaca(const JsonValue& row, Conversion& out);
bool fits_prompt_completion(const JsonValue& row);
void convert_prompt_completion(const JsonValue& row, Conversion& out);
// conversation: [{role, content}]
bool fits_conversation(const JsonValue& row);
void convert_conversation(const JsonValue& row, Conversion& out);
// By ConvertOptions::columns: prompt and response, or prompt and ground_truth; input, system, id.
void convert_columns(const JsonValue& row, Conversion& out);

// One column for the prompt, one for the answer.
template <const char* Prompt, const char* Answer>
bool fits_pair_of_columns(const JsonValue& row) {
  return has_text(row, Prompt) && has_text(row, Answer);
}
template <const char* Prompt, const char* Answer>
void convert_pair_of_columns(const JsonValue& row, Conversion& out) {
  const JsonValue prompt = need(row, Prompt), answer = need(row, Answer);
  std::string question = need_text(prompt, "prompt", out.notes);
  out.add().messages = exchange(std::move(question), need_text(answer, "response", out.notes));
}

}  // namespace caravan::data
