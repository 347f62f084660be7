// A chat template: a conversation to the text a model is trained on, with the origin of every byte of it.
//
// Goals: every template that model vendors publish renders exactly as Python's jinja2 (trim_blocks,
// lstrip_blocks) renders it; which bytes are an assistant's turn is known from this ONE render. Non-goals:
// template inheritance, imports, files, network, Python. Rendering text is untrusted work: steps, depth,
// memory and output are bounded.
//
// A template is never changed by rendering: render() is safe to call from several threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/chat/jinja_clock.h"
#include "data/chat/render_limits.h"
#include "data/chat/train_on.h"
#include "data/message.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

// "assistant", "last_assistant", "completion", "all". Throws data::Error with the nearest name.
TrainOn train_on_from_name(std::string_view name);

struct RenderOptions {
  std::optional<bool> add_generation_prompt;  // absent: what the variables say, else false
  std::optional<Date> now;  // what strftime_now sees; a template that asks without it is an error
  RenderLimits limits;
};

// One assistant turn in the rendered text: what the model writes after the prompt, and what ends it.
struct RenderedTurn {
  std::size_t message = 0;  // index into the messages
  ByteRange text;  // the turn without its end marker; template-written parts (tool call syntax, ...) included
  std::size_t marker_end =
      0;  // end of the end-of-turn marker; equals text.end where the template writes none
  bool operator==(const RenderedTurn&) const = default;
};

struct Rendered {
  std::string text;
  std::vector<RenderedTurn> turns;  // assistant turns in order of the text
  std::vector<ByteRange> trusted;   // bytes the template wrote: only there may special tokens be recognised
  std::vector<std::size_t> silent_messages;  // assistant messages of which the template wrote nothing
  std::vector<std::size_t> lost_calls;       // messages with tool_calls that are not in the text, or not all
  bool lost_tools = false;                   // there are tools, and nothing of them is in the text
  bool ends_with_assistant = false;          // the conversation's last message is an assistant's
  // Not empty: some assistant turn could not be told from the rest, and why. Such a render must not be
  // trained on.
  std::string unlocated;

  // Bytes to train on under a policy, end-of-turn markers included. Throws data::Error where turns are
  // unlocated, unless the policy is kAll.
  std::vector<ByteRange> spans(TrainOn policy) const;
};

class ChatTemplate {
 public:
  // `source`: Jinja text; `name` for messages to the user. Throws data::Error with line and column.
  ChatTemplate(std::string source, std::string name);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;

  // `variables`: an object with `messages` and whatever else the template reads (tools, bos_token, ...).
  // Throws data::Error: raise_exception's text, a value of the wrong kind, or a limit that was hit, with line
  // and column.
  Rendered render(const Json& variables, const RenderOptions& options = {}) const;
  // `variables`: what the checkpoint knows (bos_token, eos_token, ...), an object or null. The conversation's
  // own variables and tools come second, and its token variables count as text of users.
  Rendered render(const Conversation& conversation, const Json& variables,
                  const RenderOptions& options = {}) const;

  // The variables it reads, each once; functions that every template has, and names that it sets itself, are
  // not among them.
  std::vector<std::string> variables() const;
  const std::string& source() const;
  const std::string& name() const;
  // Changes whenever renders could change: hash of the source, in hex.
  std::string fingerprint() const;

 private:
  struct Program;
  std::unique_ptr<Program> program_;
};

}  // namespace caravan::data
