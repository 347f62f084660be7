#include "data/demo/dialogues.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <string_view>
#include <unordered_set>

#include "data/error.h"

namespace caravan::data {
namespace {

// One problem in eight is held out.
constexpr std::uint64_t kHeldOutShare = 8;
constexpr int kMostTries = 1000;

enum class Side { kTraining, kHeldOut };

// The form in which the system prompt wants every answer.
enum class Form { kBare, kSentence, kBrackets, kMarked, kJson };

struct System {
  std::string_view prompt;
  Form form;
};
constexpr System kSystems[] = {
    {"You are a helpful assistant.", Form::kBare},
    {"Answer in a full sentence.", Form::kSentence},
    {"Put every answer in brackets.", Form::kBrackets},
    {"Begin every answer with the word Answer.", Form::kMarked},
    {"Answer in JSON.", Form::kJson},  // not at the easy level
};

// FNV-1a: the side of a problem must not depend on the seed or on the standard library.
std::uint64_t hash_key(std::string_view key) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash ^ (hash >> 32);
}

Side side_of(const Exchange& exchange) {
  return hash_key(exchange.operands) % kHeldOutShare == 0 ? Side::kHeldOut : Side::kTraining;
}

std::string in_form(const Exchange& exchange, Form form) {
  if (exchange.has_own_form) return exchange.answer;
  switch (form) {
    case Form::kMarked:
      return "Answer: " + exchange.answer;
    case Form::kSentence:
      return "The answer is " + exchange.answer + ".";
    case Form::kBrackets:
      return "[ " + exchange.answer + " ]";
    case Form::kJson:
      return Json{{"answer", exchange.is_number ? Json::parse(exchange.answer) : Json(exchange.answer)}}
          .dump();
    case Form::kBare:
      break;
  }
  return exchange.answer;
}

class DialogueMaker {
 public:
  DialogueMaker(std::uint64_t seed, Side side, Difficulty difficulty)
      : random_(seed), side_(side), difficulty_(difficulty) {}

  Dialogue make() {
    dialogue_ = {};
    form_ = Form::kBare;
    previous_number_ = -1;
    if (random_.one_in(3)) {
      const std::size_t last = difficulty_ == Difficulty::kEasy ? 1 : 0;
      const System& system = kSystems[random_.below(std::size(kSystems) - last)];
      form_ = system.form;
      add_message("system", std::string(system.prompt));
    }
    // Asking for what was said earlier is what teaches a model to look back, and much else builds on that.
    if (random_.one_in(5)) {
      add_recall();
    } else {
      const int num_exchanges = random_.between(2, 4);
      for (int i = 0; i < num_exchanges; ++i) add_exchange();
    }
    return std::move(dialogue_);
  }

 private:
  // Draws until the problem lies on the side asked for.
  Exchange draw(const std::function<Exchange()>& maker) {
    for (int tries = 0; tries < kMostTries; ++tries) {
      Exchange made = maker();
      if (side_of(made) == side_) return made;
    }
    throw Error(Error::Kind::kUsage, "demo data: no held-out problem of a kind was found in " +
                                         std::to_string(kMostTries) +
                                         " draws; this difficulty leaves too few different problems");
  }

  void add_exchange() {
    if (previous_number_ >= 0 && random_.one_in(3)) {
      const int previous = previous_number_;
      // Not every number has a follow-up on this side: then the dialogue simply goes on.
      for (int tries = 0; tries < 20; ++tries) {
        Exchange made = make_follow_up(random_, difficulty_, previous);
        if (side_of(made) == side_) return add(made, form_);
      }
    }
    const auto makers = random_.below(5) < 2 ? text_makers(difficulty_) : arithmetic_makers();
    const MakeExchange maker = random_.pick(makers);
    add(draw([&] { return maker(random_, difficulty_); }), form_);
  }

  // What was said is asked for after another question.
  void add_recall() {
    Recall recall = make_recall(random_, difficulty_);
    while (side_of(recall.question) != side_) recall = make_recall(random_, difficulty_);
    add(recall.statement, form_);
    if (random_.one_in(2)) add_exchange();
    add(recall.question, form_);
  }

  void add(const Exchange& exchange, Form form) {
    std::string answer = in_form(exchange, form);
    dialogue_.kind = exchange.kind;
    dialogue_.ground_truth = answer;
    add_message("user", exchange.question);
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
  Form form_ = Form::kBare;
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
