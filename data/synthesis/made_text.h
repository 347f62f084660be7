// What a generator wrote, checked before it becomes part of a row.
#pragma once

#include <string>
#include <string_view>

#include "data/text_generator.h"

namespace caravan::data {

std::string_view without_space(std::string_view text);

// A prompt: the text without white space around it and without a label such as "Problem:" or **Question:** in
// front. `reason` says why there is none: failed:WHY, empty, cut, too_long, unchanged, not_utf8.
struct MadeText {
  std::string text = {};
  std::string reason = {};
};
// `before`: what it must differ from.
MadeText made_prompt(const Generation& generation, std::string_view before);
// An answer: the text without white space around it.
MadeText made_answer(const Generation& generation);

}  // namespace caravan::data
