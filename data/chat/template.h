// A chat template: a conversation to the text a model is trained on, with the origin of every byte of it.
//
// Goals: every template that model vendors publish renders exactly as Python's jinja2 (trim_blocks, lstrip_blocks) renders it; which
// bytes are an assistant's turn is known from this ONE render. Non-goals: template inheritance, imports, files, network, Python.
// Rendering text is untrusted work: steps, depth and output are bounded.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/train_on.h"
#include "data/message.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

struct RenderLimits {
  std::size_t steps = 5'000'000;
  std::size_t depth = 200;
  std::size_t output_bytes = 64u << 20;
};

// One assistant turn in the rendered text: from the end of its header to the end of its end-of-turn marker.
struct RenderedTurn {
  std::size_t message = 0;  // index into the messages
  ByteRange text;           // what the assistant said, template-written parts of the turn included
  std::size_t marker_end = 0;  // end of the end-of-turn marker; equals text.end where the template writes none
};

struct Rendered {
  std::string text;
  std::vector<RenderedTurn> turns;    // assistant turns in order
  std::vector<ByteRange> trusted;     // bytes written by the template itself: only there may special tokens be recognised
  // Bytes to train on under a policy, end-of-turn marker included.
  std::vector<ByteRange> spans(TrainOn policy) const;
};

class ChatTemplate {
 public:
  // `source`: Jinja text; `name` for messages to the user. Throws data::Error with line and column.
  ChatTemplate(std::string source, std::string name);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  // `variables`: an object with `messages` and whatever else the template reads (tools, add_generation_prompt, bos_token, ...).
  // `now`: strftime_now's clock, "YYYY-MM-DD". Throws data::Error: raise_exception's text, or a limit that was hit.
  Rendered render(const Json& variables, const RenderLimits& limits = {}) const;
  Rendered render(const Conversation& conversation, const Json& variables, bool add_generation_prompt = false,
                  const RenderLimits& limits = {}) const;
  const std::string& source() const;

 private:
  struct Program;
  std::unique_ptr<Program> program_;
};

}  // namespace caravan::data
