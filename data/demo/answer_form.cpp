#include "data/demo/answer_form.h"

#include <iterator>

#include "data/message.h"

namespace caravan::data {
namespace {

struct FormWords {
  Form form;
  std::string_view of_system, of_question;
};
constexpr FormWords kForms[] = {
    {Form::kBare, "You are a helpful assistant.", ""},
    {Form::kSentence, "Answer in a full sentence.", "I like whole sentences."},
    {Form::kBrackets, "Put every answer in brackets.", "Show it with [ and ] around it."},
    {Form::kMarked, "Begin every answer with the word Answer.", "Let the word Answer come first."},
    {Form::kJson, "Answer in JSON.", "A program that knows JSON reads it."},  // not at the easy level
};

std::size_t num_forms(Difficulty difficulty) {
  return std::size(kForms) - (difficulty == Difficulty::kEasy ? 1 : 0);
}

}  // namespace

Form draw_form(Random& random, Difficulty difficulty) {
  return kForms[random.below(num_forms(difficulty))].form;
}

Form draw_asked_form(Random& random, Difficulty difficulty) {
  return kForms[1 + random.below(num_forms(difficulty) - 1)].form;
}

std::string_view form_words(Form form) {
  return kForms[static_cast<std::size_t>(form)].of_system;
}

std::string question_with_form(const Exchange& exchange, Form form) {
  if (form == Form::kBare || exchange.has_own_form) return exchange.question;
  return std::string(kForms[static_cast<std::size_t>(form)].of_question) + "\n" + exchange.question;
}

std::string answer_in_form(const Exchange& exchange, Form form) {
  if (exchange.has_own_form) return exchange.answer;
  switch (form) {
    case Form::kMarked:
      return "Answer: " + exchange.answer;
    case Form::kSentence:
      return "The answer is " + exchange.answer + ".";
    case Form::kBrackets:
      return "[ " + exchange.answer + " ]";
    case Form::kJson:
      return Json{{"answer", exchange.is_number ? Json::parse(exchange.answer) : Json(exchange.answer)}}
          .dump();
    case Form::kBare:
      break;
  }
  return exchange.answer;
}

}  // namespace caravan::data
