// "What would you write if the assistant were to answer now?": the generation prompt, learned in the middle
// of a render.
//
// Where a condition reads add_generation_prompt, the branch that would be taken were it true is run aside,
// its text kept, its effects undone. So the header of an assistant's turn is known under the very variables
// and messages of this render.
#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>

#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"

namespace caravan::data::jinja {

namespace {

class NotInTrial : public Fault {
 public:
  NotInTrial() : Fault("the trial would change what cannot be undone") {}
};

bool is_written_by_template(const TextBuilder& text, std::size_t begin) {
  std::size_t at = 0;
  for (const Run& run : text.runs()) {
    at += run.size;
    if (at > begin && is_content(run.origin) && run.size != 0) return false;
  }
  return true;
}

}  // namespace

void Interpreter::refuse_in_trial() const {
  if (trial_) throw NotInTrial();
}

// A trial that fails teaches nothing; the render itself goes on as if it had not been.
bool Interpreter::run_trial(const std::function<void(TextBuilder&)>& what, std::size_t begin) {
  std::uint32_t num_slots = tree_.frame_sizes[0];
  std::vector<Value> slots(frame_->slots, frame_->slots + num_slots);
  auto saved = std::make_tuple(output_, frame_, position_, captures_, levels_left_, macro_calls_, loop_depth_,
                               open_message_, set_message_);
  TextBuilder text;
  bool learned = true;
  trial_ = true;
  undo_.clear();
  output_ = &text;
  ++captures_;
  try {
    what(text);
  } catch (const Fault&) {
    learned = false;
  }
  std::tie(output_, frame_, position_, captures_, levels_left_, macro_calls_, loop_depth_, open_message_,
           set_message_) = saved;
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) *it->place = it->value;
  std::copy(slots.begin(), slots.end(), frame_->slots);
  trial_ = false;
  if (!learned || !is_written_by_template(text, 0)) return false;
  prompts_.push_back({begin, output_->size(), text.text()});
  return true;
}

void Interpreter::try_prompt(const If& node, const Body* chosen, std::size_t begin) {
  const TextBuilder& written = *output_;
  run_trial(
      [&](TextBuilder& text) {
        const Body* body = choose(node);
        if (body != chosen) {
          execute(*body);
        } else if (is_written_by_template(written, begin)) {
          text.append(std::string_view(written.text()).substr(begin), kTemplateOrigin);
        } else {
          throw NotInTrial();
        }
      },
      begin);
}

void Interpreter::try_prompt(const Output& node, std::size_t begin) {
  run_trial([&](TextBuilder& text) { print(*this, text, evaluate(*node.value)); }, begin);
}

}  // namespace caravan::data::jinja
