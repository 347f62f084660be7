// The form in which an answer is wanted: by a system prompt, or by the question itself.
#pragma once

#include <string>
#include <string_view>

#include "data/demo/exchange.h"

namespace caravan::data {

enum class Form { kBare, kSentence, kBrackets, kMarked, kJson };

// kBare among them; kJson not at the easy level.
Form draw_form(Random& random, Difficulty difficulty);
// Not kBare.
Form draw_asked_form(Random& random, Difficulty difficulty);

// A system prompt that asks for it: "Put every answer in brackets."
std::string_view form_words(Form form);
// The question with a first line that asks for the form in other words than a system prompt has, so that who
// knows one does not know the other; a question that says itself how to answer stays as it is, and so does
// one for a bare answer.
std::string question_with_form(const Exchange& exchange, Form form);
std::string answer_in_form(const Exchange& exchange, Form form);

}  // namespace caravan::data
