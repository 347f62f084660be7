// Which part of a completion is its answer, and what a ground truth holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/message.h"
#include "data/rewards/verdict.h"

namespace caravan::data {

// The reference's view: role markers deleted, the text after the last </think>, answer tags deleted, trimmed.
std::string strip_thinking(std::string_view completion);

// A careful grader's view: what stands outside of thoughts.
struct AnswerPart {
  std::string text;
  std::optional<Judgement> verdict;  // where there is no answer to read: why
};
AnswerPart answer_part(std::string_view completion);

// Lower case, no ASCII punctuation, no articles, single spaces: SQuAD's form of a text.
std::string squad_form(std::string_view text);

// The answers that a ground truth allows: a text, a number, or a list of them. Empty for anything else.
std::vector<std::string> allowed_answers(const Json& ground_truth);

// An object, or the text of one in JSON or as Python writes it; or the first element of a list of that. Null
// otherwise.
Json truth_object(const Json& ground_truth);

// What a judge is shown of a ground truth: a text as it is, nothing of null, anything else as JSON.
std::string truth_text(const Json& ground_truth);

}  // namespace caravan::data
