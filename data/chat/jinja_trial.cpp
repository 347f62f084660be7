// "What would you write if the assistant were to answer now?": the generation prompt, learned in the middle
// of a render.
//
// Where a condition reads add_generation_prompt, the branch that would be taken were it true is run aside,
// its text kept, its effects undone. So the header of an assistant's turn is known under the very variables
// and messages of this render.
#include <algorithm>
#include <string_view>
#include <tuple>

#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_print.h"

namespace caravan::data::jinja {

namespace {

class NotInTrial : public Fault {
 public:
  NotInTrial() : Fault("the trial would change what cannot be undone") {}
};

bool is_written_by_template(const TextBuilder& text, std::size_t begin) {
  // From the end: a trial looks at what was written last.
  std::size_t end = text.size();
  for (auto run = text.runs().rbegin(); run != text.runs().rend() && end > begin; ++run) {
    if (is_content(run->origin) && run->size != 0) return false;
    end -= run->size;
  }
  return true;
}

}  // namespace

void Interpreter::refuse_in_trial() const {
  if (trial_) throw NotInTrial();
}

// `what` writes to its argument and says whether the attempt told anything. A trial that fails teaches
// nothing; the render itself goes on as if it had not been.
template <typename What>
void Interpreter::run_trial(std::size_t begin, const What& what) {
  std::uint32_t num_slots = tree_.frame_sizes[0];
  std::vector<Value> slots(frame_->slots, frame_->slots + num_slots);
  auto saved = std::make_tuple(output_, frame_, position_, captures_, levels_left_, macro_calls_, loop_depth_,
                               open_message_, set_message_);
  TextBuilder text;
  bool learned = false;
  trial_ = true;
  undo_.clear();
  output_ = &text;
  ++captures_;
  try {
    learned = what(text) && is_written_by_template(text, 0);
  } catch (const Fault&) {
    learned = false;
  }
  std::tie(output_, frame_, position_, captures_, levels_left_, macro_calls_, loop_depth_, open_message_,
           set_message_) = saved;
  for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) *it->place = it->value;
  std::copy(slots.begin(), slots.end(), frame_->slots);
  trial_ = false;
  if (learned) prompts_.push_back({begin, output_->size(), text.take_text()});
}

void Interpreter::try_prompt(const If& node, const Body* chosen, std::size_t begin) {
  const TextBuilder& written = *output_;
  run_trial(begin, [&](TextBuilder& text) {
    const Body* body = choose(node);
    if (body != chosen) {
      execute(*body);
      return true;
    }
    if (!is_written_by_template(written, begin)) return false;
    text.append(std::string_view(written.text()).substr(begin), kTemplateOrigin);
    return true;
  });
}

void Interpreter::try_prompt(const Output& node, std::size_t begin) {
  run_trial(begin, [&](TextBuilder& text) {
    print(*this, text, evaluate(*node.value));
    return true;
  });
}

}  // namespace caravan::data::jinja
