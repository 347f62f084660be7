// A fixed set of texts by which two folders of a model are compared: what they make of each text, as token
// ids, log-probabilities and a greedy answer.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <vector>

#include "recipes/release/model_card.h"

namespace caravan::recipes {

struct ProbedText {
  std::vector<std::int32_t> ids, answer;
  std::vector<float> log_probs, answer_log_probs;
};

struct ProbeResult {
  std::string tokenizer, chat_template;  // fingerprints; no template: empty
  std::vector<ProbedText> texts;
  ProbeSummary summary() const;
};

// Loads the folder. `chat_template`: as load_text_front, or none. Texts and questions are the built-in ones
// and those of `options`; what the model's positions do not hold is cut. Throws data::Error and
// models::Error.
ProbeResult probe_model(const std::string& folder, const std::string& chat_template,
                        const ProbeOptions& options, const at::Device& device);

// Empty where both are the same bit for bit, else what differs first.
std::string difference_of(const ProbeResult& before, const ProbeResult& after);

}  // namespace caravan::recipes
