// Single questions with an answer that a program can check: what a policy practises on, and what a quiz asks.
//
// Kinds and wordings are those of dialogues; every second question asks for a form of the answer in its first
// line, as dialogues let the system prompt do. Promise: a problem lies on the side where dialogues have it,
// so that no problem of a quiz stands in practice or training dialogues, in whatever words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/demo/side.h"
#include "data/message.h"

namespace caravan::data {

struct Problem {
  std::string id, kind, question, answer;
};

// `rows` different questions. Throws data::Error (usage) where there are not so many.
std::vector<Problem> make_problems(std::string_view name, std::size_t rows, std::uint64_t seed, Side side,
                                   Difficulty difficulty);

// {"id","source","kind","messages":[the question],"ground_truth","dataset"}: a prompt for verifiable rewards;
// `dataset` names the verifier.
Json practice_row(const Problem& problem);
// {"id","source","kind","question","answer","ground_truth"}: an item of an evaluation task.
Json quiz_row(const Problem& problem);

}  // namespace caravan::data
