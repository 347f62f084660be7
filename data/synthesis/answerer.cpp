#include "data/synthesis/answerer.h"

#include "data/synthesis/made_text.h"
#include "data/synthesis/request_seed.h"
#include "data/synthesis/request_slices.h"

namespace caravan::data {

std::vector<Message> messages_of(const Json& row) {
  std::vector<Message> messages;
  if (!row.contains("messages") || !row["messages"].is_array()) return {};
  for (const Json& message : row["messages"]) {
    const bool plain = message.is_object() && message.contains("role") && message["role"].is_string() &&
                       message.contains("content") && message["content"].is_string();
    if (!plain) return {};
    messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>(), nullptr});
  }
  return messages;
}

void add_answers(const AnswerTask& task, std::vector<SynthesisRow>& rows, TextGenerator& generator) {
  std::vector<SynthesisRow*> asked;
  for (SynthesisRow& row : rows) {
    if (!row.reason.empty()) continue;
    const std::vector<Message> messages = messages_of(row.row);
    if (messages.empty() || messages.back().role != "user")
      row = {.reason = "no_prompt"};
    else
      asked.push_back(&row);
  }
  const auto request_of = [&](std::size_t i) -> GenerationRequest {
    std::vector<Message> messages = messages_of(asked[i]->row);
    const std::string prompt = messages.back().content;
    messages.back().content = task.prompt.fill(std::vector<std::string_view>{prompt});
    const std::string id = asked[i]->row.value("id", "");
    return {.messages = std::move(messages),
            .max_tokens = task.draw.max_tokens,
            .temperature = task.draw.temperature,
            .top_p = task.draw.top_p,
            .seed = request_seed(task.seed, {task.name, "answer", id})};
  };
  const auto take = [&](std::size_t i, const GenerationRequest& request, const Generation& made) {
    MadeText answer = made_answer(made);
    if (!answer.reason.empty()) {
      *asked[i] = {.reason = "answer_" + answer.reason};
      return;
    }
    Json& row = asked[i]->row;
    row["messages"].push_back({{"role", "assistant"}, {"content", std::move(answer.text)}});
    row.erase("needs_answer");
    row["synthesis"]["answer"] = {{"template", task.prompt.name()},
                                  {"template_sha256", task.prompt.sha256()},
                                  {"model", generator.name()},
                                  {"seed", request.seed}};
  };
  ask_in_slices(generator, asked.size(), request_of, take);
}

}  // namespace caravan::data
