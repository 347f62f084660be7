// Answers to one prompt, rated by a model.
//
// Goals: all answers to a prompt are rated in one request for each aspect, in the order they come (shuffled
// by whoever drew them); what the judge wrote is parsed to the letter, asked for again where it is bad or
// partial, and given up with a reason after so many attempts. Non-goals: which of them become a pair.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/preferences/aspect_files.h"
#include "data/synthesis/prompt_makers.h"
#include "data/synthesis/prompt_template.h"
#include "data/text_generator.h"

namespace caravan::data {

struct JudgedAspect {
  std::string name;
  PromptTemplate prompt;  // places: prompt, answers, and where it likes ground_truth
};

// The built-in aspects in their order, less those that are not rated. Throws Error: files, places, or where
// none is left (usage).
std::vector<JudgedAspect> judged_aspects(const AspectFiles& files);

struct JudgeOptions {
  std::vector<JudgedAspect> aspects;
  Draw draw = {.max_tokens = 1024, .temperature = 0.1};
  std::int64_t attempts = 3;  // of each request whose ratings cannot be read
  std::uint64_t seed = 0;
};

struct JudgeInput {
  std::string id;
  std::vector<Message> prompt;
  std::vector<std::string> answers;
  std::string ground_truth = {};  // empty: none; an aspect whose words have its place then gives no rating
};

struct Judged {
  std::vector<std::vector<int>> ratings = {};  // by answer, then by aspect
  std::string reason = {};                     // "judge:ASPECT:WHY"; empty: all are rated
};

// One for each input, in their order. Throws as the generator.
std::vector<Judged> judge(const JudgeOptions& options, const std::vector<JudgeInput>& inputs,
                          TextGenerator& generator);

// The mean over aspects.
double mean_rating(const std::vector<int>& ratings);

}  // namespace caravan::data
