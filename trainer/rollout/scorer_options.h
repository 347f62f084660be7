// The `reward_model` and `judge` sections of stage rlvr: scores of completions that no rule can tell.
#pragma once

#include <cstdint>
#include <string>

#include "data/endpoint/endpoint_options.h"
#include "data/preferences/aspect_files.h"

namespace caravan::trainer {

struct ScoringModelOptions {
  std::string path = {};  // empty: none
  double weight = 1.0;
  std::string chat_template = "auto";
  bool operator==(const ScoringModelOptions&) const = default;

  bool is_there() const { return !path.empty(); }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("path", path,
            {.help = "checkpoint folder of a reward model (the result of stage rm, or a sequence classifier "
                     "of one label) that scores every completion; absent: none does",
             .path = true});
    v.field("weight", weight,
            {.help = "what its score is multiplied with before it is added", .min = -1000, .max = 1000});
    v.field("chat_template", chat_template,
            {.help = "how it reads prompt and completion: auto (its own), a built-in name, or a file of "
                     "Jinja text",
             .path_or_name = true});
  }
};

struct JudgeScorerOptions {
  data::EndpointOptions endpoint = {};  // its url empty: none
  double weight = 1.0;
  data::AspectFiles aspects = {};
  double temperature = 0.0;
  std::int64_t max_tokens = 1024;
  std::int64_t rating_attempts = 3;
  bool operator==(const JudgeScorerOptions&) const = default;

  bool is_there() const { return !endpoint.url.empty(); }

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("weight", weight,
            {.help = "what its score, 0 (all aspects the lowest) to 1 (all the highest), is multiplied with "
                     "before it is added",
             .min = -1000,
             .max = 1000});
    aspects.visit_fields(v);
    v.field("temperature", temperature, {.help = "of its answers", .min = 0, .max = 10});
    v.field("max_tokens", max_tokens, {.help = "most tokens of a rating", .min = 1, .max = 1 << 20});
    v.field("rating_attempts", rating_attempts,
            {.help = "times an aspect is asked for whose rating cannot be read; then the completion's reward "
                     "is unknown: it gives no gradient and is counted",
             .min = 1,
             .max = 20});
    endpoint.visit_fields(v);
  }
};

}  // namespace caravan::trainer
