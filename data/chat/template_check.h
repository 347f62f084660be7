// Whether a model can be trained through a template at all; asked once, before a run, with a conversation of
// our own.
#pragma once

#include <string>

#include "data/chat/template.h"

namespace caravan::data {

// What the check learned on the way.
struct TemplateFacts {
  std::string end_of_turn;        // text of the marker behind an answer: what generation has to stop at
  std::string generation_prompt;  // what stands before an answer
  bool begins_with_bos = false;
};

// Renders a small conversation with `variables` (bos_token, eos_token, ...). Throws data::Error (kData), with
// the reason and what to do, where the template writes the BOS token twice, where an assistant's turn cannot
// be told from the rest, and, unless `policy` is kAll, where a turn has no end-of-turn token: a model trained
// so never stops.
TemplateFacts check_template(const ChatTemplate& chat_template, const Json& variables,
                             TrainOn policy = TrainOn::kAssistant, const RenderOptions& options = {});

}  // namespace caravan::data
