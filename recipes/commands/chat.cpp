#include "recipes/commands/chat.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "data/error.h"
#include "data/tokenizers/stream_decoder.h"
#include "models/generation/generator.h"
#include "recipes/device.h"
#include "recipes/model_front.h"
#include "trainer/metrics/console_sink.h"

namespace caravan::recipes {

namespace {

const std::string kUsage =
    std::string(
        "caravan chat --model DIR [--system TEXT] [options]\n"
        "\n"
        "Each line you type is a turn; the answer comes as it is written. On a terminal Ctrl-C stops an "
        "answer\n"
        "and Ctrl-D ends. The line /new forgets the conversation.\n"
        "  --system TEXT             the system message\n") +
    kSamplingUsage +
    "  --dtype fp32|bf16         of weights and arithmetic; default: as the checkpoint is stored\n" +
    kDeviceUsage +
    "  --template NAME           chat template: a file of Jinja text or a built-in one; default: the "
    "checkpoint's\n"
    "Exit codes: 0 done, 2 usage, 65 a turn did not fit or a damaged checkpoint, 74 a file cannot be read.\n";

volatile sig_atomic_t answer_interrupted = 0;

// While one lives, Ctrl-C stops the answer instead of the program.
class AnswerInterrupt {
 public:
  AnswerInterrupt() {
    answer_interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { answer_interrupted = 1; };
    sigaction(SIGINT, &action, &before_);
  }
  ~AnswerInterrupt() { sigaction(SIGINT, &before_, nullptr); }
  AnswerInterrupt(const AnswerInterrupt&) = delete;
  AnswerInterrupt& operator=(const AnswerInterrupt&) = delete;

 private:
  struct sigaction before_ {};
};

// A model's text must not steer the terminal: control characters other than line feed and tab are dropped, C1
// included.
std::string for_terminal(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1)
      ++i;
    else if ((byte >= 0x20 && byte != 0x7f) || byte == '\n' || byte == '\t')
      out.push_back(text[i]);
  }
  return out;
}

struct ChatArgs {
  RowEncoderOptions rows;
  SamplingFlags sampling;
  DeviceFlag device;
  std::optional<std::string> dtype;
  std::string system;
};

class ChatSession {
 public:
  ChatSession(const ChatArgs& args, const CommandFlags& flags, std::ostream& out, bool interactive)
      : args_(args), encoder_(args.rows), out_(out), interactive_(interactive) {
    if (!args.system.empty()) messages_.push_back({{"role", "system"}, {"content", args.system}});
    encoder_.prepare(
        {{"messages", data::Json::array()}});  // before the weights: without a template nothing works
    model_ = load_model(args.rows.model, args.dtype, args.device.resolve("chat"));
    file_ = models::read_generation_config(args.rows.model);
    sampling_ = args.sampling.resolve(file_, args.rows.model, flags);
    generator_.emplace(*model_,
                       models::GeneratorOptions{.stop_ids = models::stop_ids_of(model_->config(), file_)});
    sequence_.emplace(generator_->decoder().new_sequence());
  }

  // "134,515,008 parameters in bf16 on cpu, greedy, 8,192 tokens of context".
  std::string description() const {
    const models::LlamaConfig& config = model_->config();
    return describe_model(*model_) + ", " + describe_sampling(sampling_) + ", " +
           trainer::with_thousands(static_cast<double>(config.max_position_embeddings)) +
           " tokens of context";
  }

  // The next turn is the first again; the system message stays.
  void forget() {
    const std::size_t kept = args_.system.empty() ? 0 : 1;
    messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(kept), messages_.end());
  }

  // Answers one turn. Throws data::Error where it does not fit the model; the history is as before then.
  void answer(const std::string& text) {
    const std::size_t before = messages_.size();
    messages_.push_back({{"role", "user"}, {"content", text}});
    try {
      const models::GenerationRequest request = make_request();
      messages_.push_back({{"role", "assistant"}, {"content", stream(request)}});
    } catch (...) {
      messages_.erase(messages_.begin() + static_cast<std::ptrdiff_t>(before), messages_.end());
      throw;
    }
  }

 private:
  models::GenerationRequest make_request() {
    models::GenerationRequest request;
    request.prompt = encoder_.encode({{"messages", messages_}});
    const std::int64_t most = model_->config().max_position_embeddings;
    const std::int64_t room = most - static_cast<std::int64_t>(request.prompt.size());
    if (room < 1)
      throw data::Error(data::Error::Kind::kData, "the conversation has " +
                                                      std::to_string(request.prompt.size()) +
                                                      " tokens; the model holds " + std::to_string(most) +
                                                      " with the answer: start a new chat, or say less");
    request.max_new_tokens =
        std::min(room, args_.sampling.max_new_tokens.value_or(file_.max_new_tokens.value_or(room)));
    context_ends_ = request.max_new_tokens == room;
    request.sampling = sampling_;
    request.key = models::sampling_key(static_cast<std::uint64_t>(args_.sampling.seed.value_or(0)), turn_++);
    generator_->check_request(request);
    return request;
  }

  std::string stream(const models::GenerationRequest& request) {
    data::StreamDecoder decoder(*encoder_.tokenizer(), true);
    std::string whole;
    const auto show = [&](const std::string& piece) {
      whole += piece;
      out_ << (interactive_ ? for_terminal(piece) : piece) << std::flush;
    };
    const AnswerInterrupt interrupt;
    const models::Completion completion = generator_->run_one(*sequence_, request, [&](std::int32_t id) {
      show(decoder.push(id));
      return answer_interrupted == 0;
    });
    show(decoder.finish());
    out_ << std::endl;
    if (completion.finish_reason == models::FinishReason::kLength)
      std::cerr << (context_ends_ ? "[the model's context of " +
                                        std::to_string(model_->config().max_position_embeddings) +
                                        " tokens is full; start a new chat]"
                                  : "[cut after " + std::to_string(completion.ids.size()) +
                                        " tokens: --max-new-tokens]")
                << std::endl;
    return whole;
  }

  const ChatArgs& args_;
  RowEncoder encoder_;
  std::ostream& out_;
  bool interactive_;
  data::Json messages_ = data::Json::array();
  std::unique_ptr<models::Llama> model_;
  models::GenerationConfig file_;
  models::SamplingOptions sampling_;
  std::optional<models::Generator> generator_;
  std::optional<models::KvSequence> sequence_;  // what of the history is already read
  std::uint64_t turn_ = 0;
  bool context_ends_ = false;  // the answer may run until the model's last position
};

}  // namespace

int run_chat(std::span<const std::string> args, std::istream& in, std::ostream& out, bool interactive) {
  ChatArgs parsed;
  parsed.rows.add_generation_prompt = true;
  CommandFlags flags("chat", kUsage);
  flags.add_text("--model", parsed.rows.model);
  flags.add_text("--system", parsed.system);
  parsed.sampling.add_to(flags);
  parsed.device.add_to(flags);
  flags.add_choice("--dtype", parsed.dtype, {"fp32", "bf16"});
  flags.add_text("--template", parsed.rows.chat_template);
  if (!flags.parse(args)) return 0;
  if (parsed.rows.model.empty()) flags.refuse("--model is needed");
  ChatSession session(parsed, flags, out, interactive);
  bool all_answered = true;
  const auto ask = [&] {
    if (interactive) std::cerr << "> " << std::flush;
  };
  std::cerr << "caravan: chat: " << session.description()
            << (interactive ? "; Ctrl-C stops an answer, /new forgets the conversation, Ctrl-D ends" : "")
            << std::endl;
  ask();
  for (std::string line; std::getline(in, line); ask()) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    if (line == "/new") {
      session.forget();
      continue;
    }
    try {
      session.answer(line);
    } catch (const data::Error& error) {
      all_answered = false;
      std::cerr << "caravan: chat: " << error.what() << std::endl;
    }
  }
  if (interactive) std::cerr << std::endl;
  if (!out) throw data::Error(data::Error::Kind::kInputOutput, "chat: stdout cannot be written");
  return all_answered ? 0 : static_cast<int>(data::Error::Kind::kData);
}

int run_chat(std::span<const std::string> args) {
  return run_chat(args, std::cin, std::cout, isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0);
}

}  // namespace caravan::recipes
