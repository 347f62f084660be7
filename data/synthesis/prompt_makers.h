// New prompts from personas and from rows that are there, by a text generator.
//
// Goals: each new row tells how it came about: task, template by SHA-256, model, seed, and the persona or row
// it was made from; what the generator says is checked. Non-goals: judging whether it is any good (filters,
// deduplication).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/synthesis/constraints.h"
#include "data/synthesis/prompt_template.h"
#include "data/text_generator.h"

namespace caravan::data {

struct Draw {
  std::int64_t max_tokens = 1024;
  double temperature = 0.7, top_p = 1.0;
};

// What a new row is made from.
struct SynthesisInput {
  std::string id;
  std::string text;         // a persona, or a prompt
  std::string answer = {};  // self-play: to the prompt
  std::uint32_t uses = 1;   // rows that are made from it
};

// A row, or why there is none.
struct SynthesisRow {
  Json row = {};  // {"id","source","messages":[one of user],"synthesis":{...}}
  std::string reason = {};
  bool operator==(const SynthesisRow&) const = default;
};

struct PromptTask {
  std::string name;           // of the rows: source, and the beginning of their ids
  std::string kind;           // for their provenance: "persona", "vary", ...
  PromptTemplate prompt;      // places: persona, or prompt, or prompt and answer; constraints behind them
  bool from_persona = false;  // provenance says persona_id, else parent_id
  bool has_answer = false;    // the template has {answer}
  Draw draw = {};
  std::uint64_t seed = 0;
  std::vector<Constraint> constraints = {};  // not empty: the template has {constraints}
  std::int64_t max_constraints = 3;
  std::string suffix = {};  // of the ids: ".r2"
};

// For each input, in their order, one row for each of its uses. Throws as the generator.
std::vector<std::vector<SynthesisRow>> make_prompts(const PromptTask& task,
                                                    const std::vector<SynthesisInput>& inputs,
                                                    TextGenerator& generator);

// Lines of a text as personas: bullets and numbers of a list ("3.", "3)") in front are taken off, lines of
// fewer than 4 words and of more than 100 are left out.
std::vector<std::string> persona_lines(std::string_view text);

}  // namespace caravan::data
