#include "recipes/commands/serve.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "data/error.h"
#include "recipes/device.h"
#include "recipes/model_front.h"
#include "recipes/serving/api_server.h"
#include "recipes/text_front.h"
#include "trainer/stop_request.h"

namespace caravan::recipes {
namespace {

// How long answers that were begun may take after a request to stop.
constexpr std::chrono::seconds kGrace{20};

const std::string kUsage =
    std::string(
        "caravan serve --model DIR [options]\n"
        "\n"
        "Answers the OpenAI API over HTTP: /v1/completions (with echo, logprobs and token-id prompts), "
        "/v1/chat/completions,\n"
        "/v1/models, /tokenize, /detokenize, /tokenizer_info and /health. Requests of all connections share "
        "batches. Ends on\n"
        "SIGTERM and SIGINT: nothing new is taken on, what was begun has 20 s.\n"
        "  --host ADDRESS            127.0.0.1; any other than this machine's own needs a token\n"
        "  --port N                  8000; 0 takes any that is free, and says which\n"
        "  --token-file FILE         clients must send the text of this file as Authorization: Bearer TEXT\n"
        "  --name NAME               of the model; default: the name of its folder\n"
        "  --dtype fp32|bf16         of weights and arithmetic; default: as the checkpoint is stored\n") +
    kDeviceUsage +
    "  --template NAME           chat template: a file of Jinja text or a built-in one; default: the "
    "checkpoint's\n"
    "  --batch-size B            sequences that decode together (32); no answer depends on it\n"
    "  --max-body MIB            of a request (16)\n"
    "  --max-prompts N           answers that one request may ask for (1024)\n"
    "  --queue N                 answers that wait or are being made (4096); more are refused with 503\n"
    "  --timeout S               seconds for a request (600); later it is given up with 504\n"
    "  --connections N           served at a time (64)\n"
    "  --seed S                  of the random numbers of requests without a seed (0)\n"
    "Exit codes: 0 stopped by a signal, 2 usage, 65 a damaged checkpoint, 71 out of memory, 74 the port "
    "cannot "
    "be had, 77 a\n"
    "host that needs a token.\n";

void warn_of_readers(const std::string& path) {
  std::error_code ignored;
  const auto rights = std::filesystem::status(path, ignored).permissions();
  constexpr auto kOthers = std::filesystem::perms::others_read;
  if ((rights & kOthers) != std::filesystem::perms::none && rights != std::filesystem::perms::unknown)
    std::cerr << "caravan: serve: " << path << ": every user of this machine can read the token; chmod o-r "
              << path << std::endl;
}

std::string read_token(const std::string& path) {
  std::ifstream file(path);
  if (!file)
    throw data::Error(data::Error::Kind::kInputOutput,
                      path + ": cannot be read: " + std::strerror(errno) + "; --token-file names a file");
  std::string token;
  if (!std::getline(file, token) || token.empty())
    throw data::Error(data::Error::Kind::kUsage, path + ": no token there; its first line must be one");
  if (token.size() < 16)
    throw data::Error(data::Error::Kind::kUnsafe, path + ": a token of " + std::to_string(token.size()) +
                                                      " characters can be guessed; "
                                                      "allowed: 16 and more");
  return token;
}

struct ServeArgs {
  ServingOptions options;
  std::string chat_template = "auto";
  std::optional<std::string> dtype;
  std::optional<std::int64_t> batch_size = 32;
  DeviceFlag device;
};

bool parse(std::span<const std::string> args, ServeArgs& parsed) {
  ServingOptions& options = parsed.options;
  std::string token_file;
  std::optional<std::int64_t> port, body, prompts, queue, timeout, connections, seed;
  CommandFlags flags("serve", kUsage);
  flags.add_text("--model", options.model_path);
  flags.add_text("--host", options.host);
  flags.add_integer("--port", port, 0, 65535);
  flags.add_text("--token-file", token_file);
  flags.add_text("--name", options.model_name);
  flags.add_choice("--dtype", parsed.dtype, {"fp32", "bf16"});
  parsed.device.add_to(flags);
  flags.add_text("--template", parsed.chat_template);
  flags.add_integer("--batch-size", parsed.batch_size, 1, 1 << 16);
  flags.add_integer("--max-body", body, 1, 1024);
  flags.add_integer("--max-prompts", prompts, 1, 1 << 20);
  flags.add_integer("--queue", queue, 1, 1 << 24);
  flags.add_integer("--timeout", timeout, 1, 7 * 24 * 3600);
  flags.add_integer("--connections", connections, 1, 4096);
  flags.add_integer("--seed", seed, 0, INT64_MAX);
  if (!flags.parse(args)) return false;
  if (options.model_path.empty()) flags.refuse("--model is needed");
  options.port = port.value_or(options.port);
  options.body_bytes = static_cast<std::size_t>(body.value_or(16)) << 20;
  options.prompts = prompts.value_or(options.prompts);
  options.queue = queue.value_or(options.queue);
  options.timeout_seconds = timeout.value_or(options.timeout_seconds);
  options.connections = connections.value_or(options.connections);
  options.seed = static_cast<std::uint64_t>(seed.value_or(0));
  if (!token_file.empty()) {
    options.token = read_token(token_file);
    warn_of_readers(token_file);
  }
  if (options.model_name.empty())
    options.model_name = std::filesystem::weakly_canonical(options.model_path).filename().string();
  return true;
}

// Until a signal comes; then until what was begun is done, or the grace is over.
void serve_until_signal(ApiServer& server, CompletionEngine& engine) {
  while (!trainer::StopRequest::requested()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  engine.close();
  const auto until = std::chrono::steady_clock::now() + kGrace;
  while (engine.in_flight() > 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (engine.in_flight() > 0) {
    // An answer cannot be broken off; nothing is lost with it but itself.
    std::cerr << "caravan: serve: " << engine.in_flight() << " answers were not done in time" << std::endl;
    _exit(0);
  }
  server.stop();
}

}  // namespace

int run_serve(std::span<const std::string> args) {
  ServeArgs parsed;
  if (!parse(args, parsed)) return 0;
  const ServingOptions& options = parsed.options;
  check_binding(options);
  const TextFront front = load_text_front(options.model_path, "", parsed.chat_template, false);
  const auto model = load_model(options.model_path, parsed.dtype, parsed.device.resolve("serve"));
  const models::GenerationConfig file = models::read_generation_config(options.model_path);
  const trainer::StopRequest stop;
  CompletionEngine engine(
      *model, {.batch_size = *parsed.batch_size, .stop_ids = models::stop_ids_of(model->config(), file)},
      options.queue);
  ModelApi api(*model, engine, front, file, options);
  ApiServer server(api, options);
  std::cerr << "caravan: serve: " << options.model_name << ", " << describe_model(*model) << ", on http://"
            << options.host << ":" << server.port() << std::endl;
  serve_until_signal(server, engine);
  return 0;
}

}  // namespace caravan::recipes
