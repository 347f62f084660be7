#include "data/demo/dialogues.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <unordered_set>

#include "data/demo/answer_form.h"
#include "data/demo/side.h"
#include "data/error.h"

namespace caravan::data {
namespace {

// Of so many dialogues without a form one begins with a question that asks for it: enough to have seen that,
// too few to have learned it, which is left to practice.
constexpr std::uint64_t kAskedFormShare = 300;

class DialogueMaker {
 public:
  DialogueMaker(std::uint64_t seed, Side side, Difficulty difficulty)
      : random_(seed), side_(side), difficulty_(difficulty) {}

  Dialogue make() {
    dialogue_ = {};
    form_ = Form::kBare;
    asks_form_ = false;
    previous_number_ = -1;
    if (random_.one_in(3)) {
      form_ = draw_form(random_, difficulty_);
      add_message("system", std::string(form_words(form_)));
    }
    // Asking for what was said earlier is what teaches a model to look back, and much else builds on that.
    if (random_.one_in(5)) {
      add_recall();
    } else {
      const int num_exchanges = random_.between(2, 4);
      asks_form_ = form_ == Form::kBare && random_.one_in(kAskedFormShare);
      for (int i = 0; i < num_exchanges; ++i) add_exchange();
    }
    return std::move(dialogue_);
  }

 private:
  void add_exchange() {
    if (previous_number_ >= 0 && random_.one_in(3)) {
      const int previous = previous_number_;
      // Not every number has a follow-up on this side: then the dialogue simply goes on.
      for (int tries = 0; tries < 20; ++tries) {
        Exchange made = make_follow_up(random_, difficulty_, previous);
        if (side_of(made) == side_) return add(made, form_);
      }
    }
    const Exchange made = draw_exchange(random_, side_, difficulty_);
    if (!asks_form_) return add(made, form_);
    asks_form_ = false;
    const Form asked = draw_asked_form(random_, difficulty_);
    add_asked(made, question_with_form(made, asked), asked);
  }

  // What was said is asked for after another question.
  void add_recall() {
    Recall recall = make_recall(random_, difficulty_);
    while (side_of(recall.question) != side_) recall = make_recall(random_, difficulty_);
    add(recall.statement, form_);
    if (random_.one_in(2)) add_exchange();
    add(recall.question, form_);
  }

  void add(const Exchange& exchange, Form form) { add_asked(exchange, exchange.question, form); }

  void add_asked(const Exchange& exchange, std::string question, Form form) {
    std::string answer = answer_in_form(exchange, form);
    dialogue_.kind = exchange.kind;
    dialogue_.ground_truth = answer;
    add_message("user", std::move(question));
    add_message("assistant", std::move(answer));
    previous_number_ = -1;
    if (!exchange.is_number) return;
    std::from_chars(exchange.answer.data(), exchange.answer.data() + exchange.answer.size(),
                    previous_number_);
    // Follow-up sums stay in the range that single questions cover.
    if (previous_number_ > (difficulty_ == Difficulty::kHard ? 999 : 99)) previous_number_ = -1;
  }

  void add_message(std::string_view role, std::string content) {
    dialogue_.conversation.messages.push_back({std::string(role), std::move(content), nullptr});
  }

  Random random_;
  Side side_;
  Difficulty difficulty_;
  Dialogue dialogue_;
  Form form_ = Form::kBare;  // of the system prompt
  bool asks_form_ = false;   // the next question asks for one
  int previous_number_ = -1;
};

std::string text_of(const Dialogue& dialogue) {
  std::string text;
  for (const Message& message : dialogue.conversation.messages)
    text += message.role + "\n" + message.content + "\n";
  return text;
}

std::vector<Dialogue> make_set(std::string_view name, std::size_t rows, DialogueMaker maker) {
  std::vector<Dialogue> made;
  std::unordered_set<std::string> seen;
  for (std::size_t repeats = 0; made.size() < rows;) {
    Dialogue dialogue = maker.make();
    if (!seen.insert(text_of(dialogue)).second) {
      if (++repeats > 20 * rows + 1000) {
        throw Error(Error::Kind::kUsage, "demo data: asked for " + std::to_string(rows) + " " +
                                             std::string(name) + " rows, found only " +
                                             std::to_string(made.size()) +
                                             " different ones; ask for fewer, or raise the difficulty");
      }
      continue;
    }
    dialogue.conversation.id = std::string(name) + "-" + std::to_string(made.size() + 1);
    dialogue.conversation.source = "demo";
    made.push_back(std::move(dialogue));
  }
  return made;
}

}  // namespace

DialogueSets make_dialogues(const DialogueOptions& options) {
  Random seeds(options.seed);
  const std::uint64_t training_seed = seeds.next();
  const std::uint64_t held_out_seed = seeds.next();
  return {make_set("train", options.training_rows,
                   DialogueMaker(training_seed, Side::kTraining, options.difficulty)),
          make_set("held-out", options.held_out_rows,
                   DialogueMaker(held_out_seed, Side::kHeldOut, options.difficulty))};
}

Json to_json(const Dialogue& dialogue) {
  Json messages = Json::array();
  for (const Message& message : dialogue.conversation.messages) {
    messages.push_back({{"role", message.role}, {"content", message.content}});
  }
  return {{"id", dialogue.conversation.id},
          {"source", dialogue.conversation.source},
          {"kind", dialogue.kind},
          {"messages", std::move(messages)},
          {"ground_truth", dialogue.ground_truth}};
}

}  // namespace caravan::data
