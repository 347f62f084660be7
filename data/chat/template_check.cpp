#include "data/chat/template_check.h"

#include "data/error.h"

namespace caravan::data {

namespace {

Conversation sample_conversation() {
  Conversation conversation;
  for (const char* answer : {"Two and two make four.", "Three and three make six."}) {
    conversation.messages.push_back({"user", "Please add the numbers.", nullptr});
    conversation.messages.push_back({"assistant", answer, nullptr});
  }
  return conversation;
}

[[noreturn]] void refuse(const ChatTemplate& chat_template, const std::string& found,
                         const std::string& advice) {
  throw Error(Error::Kind::kData, chat_template.name() + ": " + found + "\n" + advice);
}

std::string text_variable(const Json& variables, const char* name) {
  if (!variables.is_object()) return {};
  auto found = variables.find(name);
  return found != variables.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string in_quotes(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void check_bos(const ChatTemplate& chat_template, const std::string& text, const std::string& bos) {
  if (bos.empty() || !text.starts_with(bos + bos)) return;
  refuse(chat_template,
         "the text begins with the BOS token twice: " + in_quotes(text.substr(0, 2 * bos.size() + 20)),
         "write it once: either {{ bos_token }} or the literal " + bos);
}

void check_ends(const ChatTemplate& chat_template, const Rendered& rendered) {
  for (const RenderedTurn& turn : rendered.turns) {
    if (turn.marker_end > turn.text.end) continue;
    std::string after = rendered.text.substr(turn.text.begin, 60);
    refuse(chat_template, "an assistant's turn ends without an end-of-turn token: " + in_quotes(after),
           "write {{ eos_token }}, or the template's own end token, behind the content; a model trained "
           "without one never stops");
  }
}

}  // namespace

TemplateFacts check_template(const ChatTemplate& chat_template, const Json& variables, TrainOn policy,
                             const RenderOptions& options) {
  Conversation conversation = sample_conversation();
  Rendered rendered = chat_template.render(conversation, variables, options);
  std::string bos = text_variable(variables, "bos_token");
  check_bos(chat_template, rendered.text, bos);
  TemplateFacts facts;
  facts.begins_with_bos = !bos.empty() && rendered.text.starts_with(bos);
  if (policy == TrainOn::kAll) return facts;
  if (!rendered.unlocated.empty()) {
    refuse(
        chat_template, "assistant turns are not known: " + rendered.unlocated,
        "put {% generation %} ... {% endgeneration %} around what the assistant says, or use train_on: all");
  }
  if (rendered.turns.size() < 2) {
    refuse(chat_template,
           "of 2 assistant messages the template writes " + std::to_string(rendered.turns.size()),
           "the template must loop over all messages and write those of the role 'assistant'");
  }
  check_ends(chat_template, rendered);
  const RenderedTurn& turn = rendered.turns[0];
  facts.end_of_turn = rendered.text.substr(turn.text.end, turn.marker_end - turn.text.end);
  conversation.messages.resize(1);
  std::size_t bare = chat_template.render(conversation, variables, options).text.size();
  RenderOptions with_prompt = options;
  with_prompt.add_generation_prompt = true;
  std::string asked = chat_template.render(conversation, variables, with_prompt).text;
  if (asked.size() > bare) facts.generation_prompt = asked.substr(bare);
  return facts;
}

}  // namespace caravan::data
