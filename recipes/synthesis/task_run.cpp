#include "recipes/synthesis/task_run.h"

#include <algorithm>

#include "data/synthesis/request_seed.h"
#include "data/synthesis/request_slices.h"
#include "recipes/synthesis/task_templates.h"

namespace caravan::recipes {
namespace {

using data::Json;
using data::Message;
using data::SynthesisInput;
using data::SynthesisRow;

std::string text_member(const Json& row, const std::string& key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

// The first prompt of a row, and the answer to it where there is one.
std::string read_prompt(const std::vector<Message>& messages, SynthesisInput& input) {
  const auto prompt = std::ranges::find(messages, "user", &Message::role);
  if (prompt == messages.end() || prompt->content.empty()) return "no_prompt";
  input.text = prompt->content;
  if (prompt + 1 != messages.end() && (prompt + 1)->role == "assistant") input.answer = (prompt + 1)->content;
  return {};
}

}  // namespace

std::vector<StepResult> PersonaRun::work(std::vector<StepRow>& rows) {
  data::TextGenerator& model = models_.get(options_.model);
  std::vector<StepResult> results(rows.size());
  const auto per_topic = static_cast<std::size_t>(options_.per_topic);
  const auto request_of = [&](std::size_t i) -> data::GenerationRequest {
    const StepRow& row = rows[i / per_topic];
    const std::string topic = text_member(row.row, "topic");
    const std::vector<std::string_view> values{topic};
    return {.messages = {{"user", prompt_.fill(values), nullptr}},
            .max_tokens = options_.max_tokens,
            .temperature = options_.temperature,
            .seed = data::request_seed(seed_, {"personas", row.id, std::to_string(i % per_topic)})};
  };
  const auto take = [&](std::size_t i, const data::GenerationRequest& request, const data::Generation& made) {
    StepResult& result = results[i / per_topic];
    if (!made.problem.empty()) {
      result.reasons.push_back("failed:" + made.problem);
      return;
    }
    // A line that max_tokens cut is the last one, and half a person.
    std::vector<std::string> lines = data::persona_lines(made.text);
    if (made.cut && !lines.empty()) lines.pop_back();
    for (std::string& line : lines) {
      if (!known_.insert(line).second) continue;
      result.made.push_back({{"id", "p" + std::to_string(known_.size())},
                             {"persona", std::move(line)},
                             {"topic", text_member(rows[i / per_topic].row, "topic")},
                             {"synthesis",
                              {{"template", prompt_.name()},
                               {"template_sha256", prompt_.sha256()},
                               {"model", model.name()},
                               {"seed", request.seed}}}});
    }
  };
  ask_in_slices(model, rows.size() * per_topic, request_of, take);
  for (StepResult& result : results)
    if (result.made.empty() && result.reasons.empty()) result.reasons.push_back("no_persona");
  return results;
}

TaskRun::TaskRun(const SynthesisTask& task, std::string persona_field, std::size_t num_rows,
                 std::uint64_t seed, ModelPool& models)
    : task_(task),
      persona_field_(std::move(persona_field)),
      seed_(seed),
      models_(models),
      answers_(answer_task(task, seed)) {
  if (task.kind != TaskKind::kAnswer) prompts_ = prompt_task(task, seed);
  if (task.kind == TaskKind::kSelfPlay) harder_ = prompt_task(task, seed, true);
  if (!task.rows) return;
  const auto wanted = static_cast<std::uint64_t>(*task.rows);
  // Of rows, none is begun with twice.
  const bool persona = task.kind == TaskKind::kPersona;
  uses_ = data::spread_uses(persona ? wanted : std::min<std::uint64_t>(wanted, num_rows), num_rows, seed,
                            task.name);
}

std::uint32_t TaskRun::uses_of(const StepRow& row) const {
  const std::uint32_t drawn = uses_.empty() ? 1 : row.number < uses_.size() ? uses_[row.number] : 0;
  return task_.kind == TaskKind::kVary ? drawn * static_cast<std::uint32_t>(task_.per_row) : drawn;
}

std::string TaskRun::read_input(const StepRow& row, SynthesisInput& input) const {
  input.id = row.id;
  input.uses = uses_of(row);
  if (input.uses == 0) return "not_taken";
  if (task_.kind != TaskKind::kPersona) return read_prompt(row.messages, input);
  input.text = text_member(row.row, persona_field_);
  return input.text.empty() ? "missing_field:" + persona_field_ : "";
}

std::vector<StepResult> TaskRun::work(std::vector<StepRow>& rows) {
  switch (task_.kind) {
    case TaskKind::kSelfPlay:
      return play(rows);
    case TaskKind::kAnswer:
      return answer_rows(rows);
    case TaskKind::kPersona:
    case TaskKind::kRewrite:
    case TaskKind::kVary:
      break;
  }
  return make_rows(rows);
}

void TaskRun::answer(std::vector<SynthesisRow>& rows) {
  if (task_.answer_model.empty()) {
    for (SynthesisRow& row : rows)
      if (row.reason.empty()) row.row["needs_answer"] = true;
    return;
  }
  add_answers(answers_, rows, models_.get(task_.answer_model));
}

std::vector<StepResult> TaskRun::answer_rows(std::vector<StepRow>& rows) {
  std::vector<SynthesisRow> asked;
  for (const StepRow& row : rows) {
    SynthesisInput input;
    const std::string reason = read_input(row, input);
    if (!reason.empty()) {
      asked.push_back({.reason = reason});
      continue;
    }
    Json made{{"id", task_.name + '_' + row.id}, {"source", task_.name}};
    // Turns up to the last one of the user; what was answered to it before goes.
    std::vector<Message> messages = row.messages;
    while (messages.back().role != "user") messages.pop_back();
    for (const Message& message : messages)
      made["messages"].push_back({{"role", message.role}, {"content", message.content}});
    made["synthesis"] = {{"task", task_.name}, {"kind", "answer"}, {"parent_id", row.id}};
    asked.push_back({.row = std::move(made)});
  }
  answer(asked);
  std::vector<StepResult> results(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) add_made(std::move(asked[i]), results[i]);
  return results;
}

std::vector<StepResult> TaskRun::make_rows(const std::vector<StepRow>& rows) {
  std::vector<StepResult> results(rows.size());
  std::vector<SynthesisInput> inputs;
  std::vector<std::size_t> row_of_input;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SynthesisInput input;
    std::string reason = read_input(rows[i], input);
    if (!reason.empty()) {
      results[i].reasons.push_back(std::move(reason));
      continue;
    }
    inputs.push_back(std::move(input));
    row_of_input.push_back(i);
  }
  std::vector<SynthesisRow> made;
  std::vector<std::size_t> row_of_made;
  auto prompts = make_prompts(*prompts_, inputs, models_.get(task_.model));
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    for (SynthesisRow& row : prompts[i]) {
      made.push_back(std::move(row));
      row_of_made.push_back(row_of_input[i]);
    }
  }
  answer(made);
  for (std::size_t i = 0; i < made.size(); ++i) add_made(std::move(made[i]), results[row_of_made[i]]);
  return results;
}

// What a row's questions lead to, one after the other.
struct TaskRun::Chain {
  std::size_t row = 0;
  SynthesisInput input;  // id of the first row throughout
  std::string parent_id;
  bool harder = false;
  std::string reason = {};  // where the chain broke
  std::vector<Json> made = {};
};

std::vector<StepResult> TaskRun::play(const std::vector<StepRow>& rows) {
  std::vector<StepResult> results(rows.size());
  std::vector<Chain> chains;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Chain chain{.row = i, .input = {}, .parent_id = rows[i].id};
    std::string reason = read_input(rows[i], chain.input);
    if (!reason.empty()) {
      results[i].reasons.push_back(std::move(reason));
      continue;
    }
    chain.harder = task_.direction == PlayDirection::kHarder ||
                   (task_.direction == PlayDirection::kEither &&
                    data::request_seed(seed_, {task_.name, "direction", rows[i].id}) % 2 == 0);
    chains.push_back(std::move(chain));
  }
  answer_first(chains);
  for (std::int64_t round = 0; round < task_.rounds; ++round) ask_next(chains, round);
  for (Chain& chain : chains) {
    StepResult& result = results[chain.row];
    result.made = std::move(chain.made);
    if (!chain.reason.empty()) result.reasons.push_back(chain.reason);
  }
  return results;
}

// Rows that come without an answer get one before the first question.
void TaskRun::answer_first(std::vector<Chain>& chains) {
  std::vector<SynthesisRow> rows;
  std::vector<Chain*> asked;
  for (Chain& chain : chains) {
    if (!chain.input.answer.empty()) continue;
    Json row{{"id", chain.input.id}};
    row["messages"].push_back({{"role", "user"}, {"content", chain.input.text}});
    rows.push_back({.row = std::move(row)});
    asked.push_back(&chain);
  }
  answer(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    asked[i]->reason = rows[i].reason;
    if (rows[i].reason.empty())
      asked[i]->input.answer = rows[i].row["messages"].back()["content"].get<std::string>();
  }
}

void TaskRun::ask_next(std::vector<Chain>& chains, std::int64_t round) {
  std::vector<SynthesisRow> rows;
  std::vector<Chain*> asked;
  for (const bool harder : {true, false}) {
    data::PromptTask& task = harder ? *harder_ : *prompts_;
    task.suffix = round_suffix(round);
    std::vector<SynthesisInput> inputs;
    for (Chain& chain : chains) {
      if (chain.harder != harder || !chain.reason.empty()) continue;
      inputs.push_back(chain.input);
      inputs.back().uses = 1;
      asked.push_back(&chain);
    }
    for (auto& made : make_prompts(task, inputs, models_.get(task_.model)))
      rows.push_back(std::move(made.at(0)));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].reason.empty()) continue;
    Json& told = rows[i].row["synthesis"];
    told["parent_id"] = asked[i]->parent_id;
    told["round"] = round + 1;
    told["direction"] = asked[i]->harder ? "harder" : "sideways";
  }
  answer(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Chain& chain = *asked[i];
    chain.reason = rows[i].reason;
    if (!chain.reason.empty()) continue;
    const std::vector<Message> messages = data::messages_of(rows[i].row);
    chain.parent_id = rows[i].row["id"].get<std::string>();
    chain.input.text = messages.front().content;
    chain.input.answer = messages.back().content;
    chain.made.push_back(std::move(rows[i].row));
  }
}

}  // namespace caravan::recipes
