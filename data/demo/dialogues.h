// Chat data of our own: short dialogues of arithmetic and text instructions, with system prompts and
// follow-up questions, whose every answer can be checked. A model of a few million parameters learns them on
// a CPU in minutes.
//
// Goals: a pure function of its options; training and held-out problems share no operands; every answer is
// the only right one. Non-goals: world knowledge, natural language beyond a few phrasings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/demo/exchange.h"
#include "data/message.h"

namespace caravan::data {

struct DialogueOptions {
  std::uint64_t seed = 1;
  std::size_t training_rows = 20000;
  std::size_t held_out_rows = 400;
  Difficulty difficulty = Difficulty::kEasy;
};

struct Dialogue {
  Conversation conversation;  // ends with the assistant's answer
  std::string kind;           // of the last exchange
  std::string ground_truth;   // the last answer, word for word
};

struct DialogueSets {
  std::vector<Dialogue> training;
  std::vector<Dialogue> held_out;
};

// Throws data::Error (usage) where the options ask for more different rows than there are.
DialogueSets make_dialogues(const DialogueOptions& options);

// One row of a file: {"id","source","kind","messages":[...],"ground_truth"}.
Json to_json(const Dialogue& dialogue);

}  // namespace caravan::data
