// Which templates a task uses: the built-in ones of its kind and family, or files in their place.
#pragma once

#include "data/synthesis/answerer.h"
#include "data/synthesis/prompt_makers.h"
#include "recipes/synthesis/synthesis_recipe.h"

namespace caravan::recipes {

// Of the prompts of a task; `harder`: of self-play. Throws data::Error: files, places that are missing.
data::PromptTemplate prompt_template_of(const SynthesisTask& task, bool harder = false);
data::PromptTemplate answer_template_of(const SynthesisTask& task);
data::PromptTemplate persona_template_of(const PersonaOptions& personas);
// None but for the instruction_following family.
std::vector<data::Constraint> constraints_of(const SynthesisTask& task);

// What the recipe says of a task, ready to make prompts.
data::PromptTask prompt_task(const SynthesisTask& task, std::uint64_t seed, bool harder = false);
// Of the ids of a round of self-play, which counts from 0.
std::string round_suffix(std::int64_t round);
data::AnswerTask answer_task(const SynthesisTask& task, std::uint64_t seed);

}  // namespace caravan::recipes
