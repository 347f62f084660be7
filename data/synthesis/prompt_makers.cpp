#include "data/synthesis/prompt_makers.h"

#include <algorithm>

#include "data/error.h"
#include "data/synthesis/request_seed.h"

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

// One request, and what its row will say of it.
struct Asked {
  std::size_t input = 0;
  std::string id;
  Json synthesis;
};

}  // namespace

std::vector<std::vector<SynthesisRow>> make_prompts(const PromptTask& task,
                                                    const std::vector<SynthesisInput>& inputs,
                                                    TextGenerator& generator) {
  std::vector<GenerationRequest> requests;
  std::vector<Asked> asked;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const SynthesisInput& input = inputs[i];
    for (std::uint32_t use = 0; use < input.uses; ++use) {
      const std::uint64_t seed =
          request_seed(task.seed, {task.name, task.suffix, input.id, std::to_string(use)});
      std::vector<const Constraint*> constraints;
      if (!task.constraints.empty())
        constraints = draw_constraints(task.constraints, task.most_constraints, seed);
      const std::string conditions = listed(constraints);
      std::vector<std::string_view> values{input.text};
      if (task.has_answer) values.push_back(input.answer);
      if (!task.constraints.empty()) values.push_back(conditions);
      requests.push_back({.messages = {{"user", task.prompt.fill(values), nullptr}},
                          .max_tokens = task.draw.max_tokens,
                          .temperature = task.draw.temperature,
                          .top_p = task.draw.top_p,
                          .seed = seed});
      asked.push_back({i, task.name + '_' + input.id + task.suffix + '_' + std::to_string(use),
                       provenance(task, input, generator, seed, constraints)});
    }
  }
  const std::vector<Generation> made = generator.generate(requests);
  std::vector<std::vector<SynthesisRow>> rows(inputs.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const SynthesisInput& input = inputs[asked[i].input];
    MadeText text = made_prompt(made.at(i), task.from_persona ? "" : input.text);
    if (!text.reason.empty()) {
      rows[asked[i].input].push_back({.reason = "prompt_" + text.reason});
      continue;
    }
    Json row{{"id", asked[i].id}, {"source", task.name}};
    row["messages"].push_back({{"role", "user"}, {"content", std::move(text.text)}});
    row["synthesis"] = std::move(asked[i].synthesis);
    rows[asked[i].input].push_back({.row = std::move(row)});
  }
  return rows;
}

std::vector<std::string> persona_lines(std::string_view text) {
  constexpr std::ptrdiff_t kFewestWords = 4, kMostWords = 100;
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = without_space(text.substr(at, end - at));
    at = end + 1;
    const std::size_t words = line.find_first_not_of("0123456789.)-*# \t");
    if (words == std::string_view::npos) continue;
    line.remove_prefix(words);
    const std::ptrdiff_t spaces = std::ranges::count(line, ' ');
    if (spaces + 1 >= kFewestWords && spaces < kMostWords) lines.emplace_back(line);
  }
  return lines;
}

}  // namespace caravan::data
