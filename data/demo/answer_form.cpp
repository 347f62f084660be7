#include "data/demo/answer_form.h"

#include <iterator>

#include "data/message.h"

namespace caravan::data {
namespace {

struct FormWords {
  Form form;
  std::string_view words;
};
constexpr FormWords kForms[] = {
    {Form::kBare, "You are a helpful assistant."},
    {Form::kSentence, "Answer in a full sentence."},
    {Form::kBrackets, "Put every answer in brackets."},
    {Form::kMarked, "Begin every answer with the word Answer."},
    {Form::kJson, "Answer in JSON."},  // not at the easy level
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
  return kForms[static_cast<std::size_t>(form)].words;
}

std::string question_with_form(const Exchange& exchange, Form form) {
  if (form == Form::kBare || exchange.has_own_form) return exchange.question;
  return std::string(form_words(form)) + "\n" + exchange.question;
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
