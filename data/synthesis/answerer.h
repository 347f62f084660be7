// Answers to prompts, by a text generator.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/synthesis/prompt_makers.h"
#include "data/synthesis/prompt_template.h"
#include "data/text_generator.h"

namespace caravan::data {

struct AnswerTask {
  std::string name;       // of the task
  PromptTemplate prompt;  // place: prompt, around the last turn of the user
  Draw draw = {.max_tokens = 1024, .temperature = 0.0};
  std::uint64_t seed = 0;
};

// Adds an answer to each row with `messages` that end with the user, and says in `answer` of its `synthesis`
// by whom and how. A row that gets none becomes its reason: answer_failed:WHY, answer_cut, answer_empty, ...
// Rows that have a reason already stay as they are. Throws as the generator.
void add_answers(const AnswerTask& task, std::vector<SynthesisRow>& rows, TextGenerator& generator);

// The turns of a row's `messages`; none where they are not such a list.
std::vector<Message> messages_of(const Json& row);

}  // namespace caravan::data
