#include "recipes/synthesis/task_templates.h"

#include "data/choice_name.h"
#include "data/synthesis/builtin_prompts.h"

namespace caravan::recipes {
namespace {

using data::PromptTemplate;

PromptTemplate template_of(const std::string& builtin, const std::string& file) {
  const data::BuiltinPrompt& known = data::builtin_prompt(builtin);
  const std::vector<std::string_view> places = places_of(known);
  if (file.empty()) return {std::string(known.text), builtin, places};
  return {data::read_template_file(file), file, places};
}

bool has_constraints(const SynthesisTask& task) {
  return task.kind == TaskKind::kPersona && task.family == TaskFamily::kInstructionFollowing;
}

}  // namespace

PromptTemplate prompt_template_of(const SynthesisTask& task, bool harder) {
  std::string name;
  switch (task.kind) {
    case TaskKind::kPersona:
      // A family of one's own takes a persona and nothing else.
      name = task.family == TaskFamily::kNone ? "math" : data::choice_name(task.family);
      break;
    case TaskKind::kSelfPlay:
      name = harder ? "self_play_harder" : "self_play_sideways";
      break;
    case TaskKind::kRewrite:
      name = "rewrite";
      break;
    case TaskKind::kVary:
    case TaskKind::kAnswer:
      name = "vary";
      break;
  }
  return template_of(name, task.prompt_template);
}

PromptTemplate answer_template_of(const SynthesisTask& task) {
  switch (task.family) {
    case TaskFamily::kMath:
    case TaskFamily::kAlgebra:
      return template_of("math_answer", task.answer_template);
    case TaskFamily::kGradeSchoolMath:
      return template_of("grade_school_math_answer", task.answer_template);
    case TaskFamily::kCode:
      return template_of("code_answer", task.answer_template);
    case TaskFamily::kNone:
    case TaskFamily::kInstructionFollowing:
      break;
  }
  return template_of("answer", task.answer_template);
}

PromptTemplate persona_template_of(const PersonaOptions& personas) {
  return template_of("personas", personas.prompt_template);
}

std::vector<data::Constraint> constraints_of(const SynthesisTask& task) {
  if (!has_constraints(task)) return {};
  return task.constraints.empty() ? data::builtin_constraints() : data::read_constraints(task.constraints);
}

std::string round_suffix(std::int64_t round) {
  return round == 0 ? "" : ".r" + std::to_string(round + 1);
}

data::PromptTask prompt_task(const SynthesisTask& task, std::uint64_t seed, bool harder) {
  return {.name = task.name,
          .kind = data::choice_name(task.kind),
          .prompt = prompt_template_of(task, harder),
          .from_persona = task.kind == TaskKind::kPersona,
          .has_answer = task.kind == TaskKind::kSelfPlay,
          .draw = {task.max_tokens, task.temperature, task.top_p},
          .seed = seed,
          .constraints = constraints_of(task),
          .max_constraints = task.max_constraints};
}

data::AnswerTask answer_task(const SynthesisTask& task, std::uint64_t seed) {
  return {.name = task.name,
          .prompt = answer_template_of(task),
          .draw = {task.answer_max_tokens, task.answer_temperature, task.top_p},
          .seed = seed};
}

}  // namespace caravan::recipes
