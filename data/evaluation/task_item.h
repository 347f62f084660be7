// One question of a task, ready to be asked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/message.h"

namespace caravan::data {

struct TaskItem {
  std::string id;  // FILE NAME:LINE, the same on every machine
  std::string part;
  std::string context;            // the whole prompt; of a chat empty
  std::vector<Message> messages;  // of a chat: ends with the user's question
  // multiple_choice: with the delimiter in front where there is one.
  std::vector<std::string> choices;
  std::vector<std::string> bare_choices;  // without it: what acc_norm divides by
  std::size_t gold = 0;
  Json ground_truth;  // generation
  // Why it cannot be asked: empty_prompt, no_ground_truth. Empty: it can.
  std::string left_out;
};

}  // namespace caravan::data
