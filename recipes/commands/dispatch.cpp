#include "recipes/commands/dispatch.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>
#include <vector>

#include "data/error.h"
#include "models/error.h"
#include "recipes/commands/engine.h"
#include "recipes/nearest_name.h"
#include "recipes/reader/problem.h"
#include "recipes/shown_text.h"
#include "trainer/distributed/torchrun_error_file.h"
#include "trainer/error.h"

namespace caravan::recipes {
namespace {

void print_help(std::span<const Command> commands) {
  std::puts("caravan COMMAND ...: post-training of Llama-style language models\n");
  std::size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.word.size());
  for (const Command& command : commands) {
    std::printf("  %-*s  %s\n", static_cast<int>(width), std::string(command.word).c_str(),
                std::string(command.help).c_str());
  }
  std::puts(
      "\ncaravan COMMAND --help tells more. Exit codes: 0 done, 1 unexpected, 2 usage or recipe, 65 data, 70 "
      "internal");
  std::puts(
      "check or divergence, 71 out of memory, 74 files or disk, 75 stopped and resumable, 76 peer lost, 77 "
      "refused as unsafe.");
}

[[noreturn]] void refuse_command(std::span<const Command> commands, const std::string& word) {
  std::vector<std::string_view> words;
  std::string listed;
  for (const Command& command : commands) {
    words.push_back(command.word);
    listed += (listed.empty() ? "" : ", ") + std::string(command.word);
  }
  std::string text = "no command " + word + "; commands: " + listed;
  if (const auto near = nearest_name(word, words)) text += "; did you mean " + std::string(*near) + "?";
  throw data::Error(data::Error::Kind::kUsage, text);
}

template <class Error>
bool is_failure(const std::exception& error, Failure& failure) {
  const auto* own = dynamic_cast<const Error*>(&error);
  if (own != nullptr) failure.exit_code = own->exit_code();
  return own != nullptr;
}

// A standard stream that the caller closed would be the number of the first file that is opened, and what is
// printed would land in that file. What holds its place can neither be read nor written, as if it were
// closed.
void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest free number is the stream's own. Without /dev/null there is nothing better than going on.
    (void)!open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

// std::set_terminate takes no state along.
Failure (*g_translate)(const std::exception&) = nullptr;

void tell(const Failure& failure) {
  trainer::write_torchrun_error(failure.message);
  std::fprintf(stderr, "caravan: %s\n", shown_text(failure.message).c_str());
}

// An exception that leaves a thread or a parallel loop, as memory that runs out there does, is a failure like
// any other and no crash.
[[noreturn]] void end_with_failure() {
  try {
    if (std::current_exception()) std::rethrow_exception(std::current_exception());
  } catch (const std::exception& error) {
    end_process(g_translate(error));
  } catch (...) {
    // Not ours: the core tells more than we could.
  }
  std::abort();
}

}  // namespace

int dispatch(std::span<const Command> commands, std::span<const std::string> args, std::string_view version) {
  if (args.empty()) {
    print_help(commands);
    return 2;
  }
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print_help(commands);
    return 0;
  }
  if (args[0] == "--version") {
    std::printf("caravan %s\n", std::string(version).c_str());
    return 0;
  }
  for (const Command& command : commands) {
    if (command.word != args[0]) continue;
    if (command.run == nullptr) become_engine(args);
    return command.run(args.subspan(1));
  }
  refuse_command(commands, args[0]);
}

void end_process(const Failure& failure) {
  tell(failure);
  _exit(failure.exit_code);
}

Failure failure_of(const std::exception& error) {
  Failure failure{.message = error.what()};
  if (dynamic_cast<const RecipeError*>(&error) != nullptr) {
    // One line a problem, each as the first.
    for (std::size_t at = failure.message.find('\n'); at != std::string::npos;
         at = failure.message.find('\n', at + 1))
      failure.message.insert(at + 1, "caravan: ");
  }
  if (is_failure<RecipeError>(error, failure) || is_failure<data::Error>(error, failure) ||
      is_failure<models::Error>(error, failure) || is_failure<trainer::Error>(error, failure)) {
    return failure;
  }
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return {"out of memory", 71};
  if (const auto* of_files = dynamic_cast<const std::filesystem::filesystem_error*>(&error)) {
    const std::string where = of_files->path1().empty() ? "" : of_files->path1().string() + ": ";
    return {where + of_files->code().message() + "; check the path, its permissions and the disk", 74};
  }
  return failure;
}

int run_program(std::span<const Command> commands, int argc, char** argv, std::string_view version,
                Failure (*translate)(const std::exception&)) {
  hold_standard_streams();
  signal(SIGXFSZ, SIG_IGN);  // a file over ulimit -f is then a write that fails, not the end of the program
  g_translate = translate;
  std::set_terminate(end_with_failure);
  try {
    const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
    const int code = dispatch(commands, args, version);
    // Output that could not be written is a failure, even of a command that went well. A write that failed
    // earlier has left only the mark.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      std::fputs("caravan: stdout could not be written; is the disk full, or the reader gone?\n", stderr);
      return 74;
    }
    return code;
  } catch (const std::exception& error) {
    const Failure failure = translate(error);
    std::fflush(stdout);
    tell(failure);
    // Threads that still wait for a rank that is lost would keep a process that ends in order from ending.
    if (failure.exit_code == static_cast<int>(trainer::Error::Kind::kPeerLost)) _exit(failure.exit_code);
    return failure.exit_code;
  }
}

}  // namespace caravan::recipes
