#include "data/synthesis/prompt_makers.h"

#include <algorithm>

#include "data/synthesis/made_text.h"
#include "data/synthesis/request_seed.h"
#include "data/synthesis/request_slices.h"

namespace caravan::data {
namespace {

std::string listed(const std::vector<const Constraint*>& constraints) {
  std::string text;
  for (const Constraint* constraint : constraints) text += "- " + constraint->text + '\n';
  return text;
}

Json provenance(const PromptTask& task, const SynthesisInput& input, const TextGenerator& generator,
                std::uint64_t seed, const std::vector<const Constraint*>& constraints) {
  Json told{{"task", task.name},
            {"kind", task.kind},
            {"template", task.prompt.name()},
            {"template_sha256", task.prompt.sha256()},
            {"model", generator.name()},
            {"seed", seed},
            {task.from_persona ? "persona_id" : "parent_id", input.id}};
  if (task.from_persona) told["persona"] = input.text;
  for (const Constraint* constraint : constraints) told["constraints"].push_back(constraint->id);
  return told;
}

// The n-th row that is made of an input.
struct Use {
  std::size_t input = 0;
  std::uint32_t number = 0;
  std::uint64_t seed = 0;
};

std::vector<const Constraint*> constraints_of(const PromptTask& task, std::uint64_t seed) {
  if (task.constraints.empty()) return {};
  return draw_constraints(task.constraints, task.max_constraints, seed);
}

GenerationRequest request_of(const PromptTask& task, const SynthesisInput& input, std::uint64_t seed) {
  const std::string conditions = listed(constraints_of(task, seed));
  std::vector<std::string_view> values{input.text};
  if (task.has_answer) values.push_back(input.answer);
  if (!task.constraints.empty()) values.push_back(conditions);
  return {.messages = {{"user", task.prompt.fill(values), nullptr}},
          .max_tokens = task.draw.max_tokens,
          .temperature = task.draw.temperature,
          .top_p = task.draw.top_p,
          .seed = seed};
}

SynthesisRow row_of(const PromptTask& task, const SynthesisInput& input, const Use& use,
                    const TextGenerator& generator, const Generation& made) {
  MadeText text = made_prompt(made, task.from_persona ? "" : input.text);
  if (!text.reason.empty()) return {.reason = "prompt_" + text.reason};
  const std::string id = task.name + '_' + input.id + task.suffix + '_' + std::to_string(use.number);
  Json row{{"id", id}, {"source", task.name}};
  row["messages"].push_back({{"role", "user"}, {"content", std::move(text.text)}});
  row["synthesis"] = provenance(task, input, generator, use.seed, constraints_of(task, use.seed));
  return {.row = std::move(row)};
}

// Where the person begins: behind bullets, and behind a number that is one of a list ("3." or "3)", and not
// the age in "72-year-old").
std::string_view without_number(std::string_view line) {
  constexpr std::string_view kMarks = "-*# \t";
  line.remove_prefix(std::min(line.find_first_not_of(kMarks), line.size()));
  const std::size_t end = line.find_first_not_of("0123456789");
  const bool numbered = end != 0 && end != std::string_view::npos && (line[end] == '.' || line[end] == ')');
  if (!numbered || (end + 1 < line.size() && line[end + 1] >= '0' && line[end + 1] <= '9')) return line;
  line.remove_prefix(end + 1);
  line.remove_prefix(std::min(line.find_first_not_of("* \t"), line.size()));
  return line;
}

}  // namespace

std::vector<std::vector<SynthesisRow>> make_prompts(const PromptTask& task,
                                                    const std::vector<SynthesisInput>& inputs,
                                                    TextGenerator& generator) {
  std::vector<Use> uses;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::uint32_t number = 0; number < inputs[i].uses; ++number)
      uses.push_back(
          {i, number,
           request_seed(task.seed, {task.name, task.suffix, inputs[i].id, std::to_string(number)})});
  std::vector<std::vector<SynthesisRow>> rows(inputs.size());
  ask_in_slices(
      generator, uses.size(),
      [&](std::size_t i) { return request_of(task, inputs[uses[i].input], uses[i].seed); },
      [&](std::size_t i, const GenerationRequest&, const Generation& made) {
        const std::size_t input = uses[i].input;
        rows[input].push_back(row_of(task, inputs[input], uses[i], generator, made));
      });
  return rows;
}

std::vector<std::string> persona_lines(std::string_view text) {
  constexpr std::ptrdiff_t kFewestWords = 4, kMaxWords = 100;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = without_number(without_space(text.substr(at, end - at)));
    at = end + 1;
    const std::ptrdiff_t spaces = std::ranges::count(line, ' ');
    if (spaces + 1 >= kFewestWords && spaces < kMaxWords) lines.emplace_back(line);
  }
  return lines;
}

}  // namespace caravan::data
