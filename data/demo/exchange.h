// One question and its only right answer, of a kind a very small model can learn.
//
// Every kind of exchange is a function of (random numbers, difficulty) here; which operands go to training
// and which are held out is decided by their key alone, so that no held-out problem was ever trained on in
// other words.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "data/demo/random.h"

namespace caravan::data {

struct Exchange {
  std::string_view kind;  // "add", "reverse_words", ...
  std::string question;
  std::string answer;    // bare: a number, words, a list
  std::string operands;  // what is asked, without the wording: "add 3 4" for 3 + 4, for 4 + 3, and for "What
                         // is 3 plus 4?"
  bool is_number = false;  // the answer is a non-negative integer
  // The question says how to answer: no system prompt changes that.
  bool has_own_form = false;
};

// Ranges of operands and lengths of lists.
enum class Difficulty { kEasy = 1, kMedium = 2, kHard = 3 };

using MakeExchange = Exchange (*)(Random&, Difficulty);

// Makers by area; each draws phrasing and operands.
std::span<const MakeExchange> arithmetic_makers();
std::span<const MakeExchange> text_makers(Difficulty difficulty);

// A question about the number just answered: "Add 3 to that."
Exchange make_follow_up(Random& random, Difficulty difficulty, int previous);

// A statement to remember and, a turn later, the question for it.
struct Recall {
  Exchange statement;
  Exchange question;
};
Recall make_recall(Random& random, Difficulty difficulty);

}  // namespace caravan::data
