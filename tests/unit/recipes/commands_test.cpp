#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "data/error.h"
#include "recipes/commands/describe.h"
#include "recipes/commands/dispatch.h"
#include "recipes/commands/validate.h"
#include "recipes/read_recipe.h"
#include "recipes/shown_text.h"

namespace caravan::recipes {
namespace {

constexpr std::array kCommands = {
    Command{"validate", "check a recipe", run_validate},
    Command{"describe", "tell keys", run_describe},
};

struct Outcome {
  int code = 0;
  std::string out;
  std::string error;
};

// As main does, with stdout caught.
Outcome run(const std::vector<std::string>& args) {
  Outcome outcome;
  testing::internal::CaptureStdout();
  try {
    outcome.code = dispatch(kCommands, args, "1.2.3");
  } catch (const std::exception& error) {
    const Failure failure = failure_of(error);
    outcome.code = failure.exit_code;
    outcome.error = failure.message;
  }
  outcome.out = testing::internal::GetCapturedStdout();
  return outcome;
}

TEST(Commands, HelpAndVersion) {
  EXPECT_EQ(run({"--version"}).out, "caravan 1.2.3\n");
  EXPECT_NE(run({"--help"}).out.find("\n  validate  check a recipe\n  describe  tell keys\n"),
            std::string::npos);
  EXPECT_EQ(run({}).code, 2);
  EXPECT_EQ(run({"validate", "--help"}).code, 0);
  EXPECT_EQ(run({"describe", "--help"}).out.substr(0, 16), "caravan describe");
}

TEST(Commands, UnknownWordNamesTheNearest) {
  const Outcome outcome = run({"validte", "x.yaml"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.error, "no command validte; commands: validate, describe; did you mean validate?");
}

TEST(Commands, Validate) {
  const std::string recipe = CARAVAN_SOURCE_DIR "/recipes/tiny/sft.yaml";
  const Outcome valid = run({"validate", recipe, "--no-files", "run.epochs=3"});
  EXPECT_EQ(valid.code, 0) << valid.error;
  EXPECT_EQ(valid.out,
            "note: command line: run.epochs=3 replaces run.max_steps: 2400\n" + recipe + " is valid\n");
  const Outcome wrong = run({"validate", recipe, "--no-files", "run.max_steps=0"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_NE(wrong.error.find("run.max_steps=0: found 0"), std::string::npos);
  EXPECT_EQ(run({"validate"}).code, 2);
  EXPECT_EQ(run({"validate", "--fast", recipe}).code, 2);
  EXPECT_EQ(run({"validate", "none.yaml"}).code, 2);
}

TEST(Commands, DescribeChecksThePage) {
  EXPECT_EQ(run({"describe", "--check", CARAVAN_SOURCE_DIR "/recipes/README.md"}).code, 0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"describe", "--check", CARAVAN_SOURCE_DIR "/recipes/recipe.h"}).code, 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("is out of date"), std::string::npos);
  EXPECT_NE(run({"describe", "lrr"}).error.find("did you mean lr?"), std::string::npos);
  EXPECT_NE(run({"describe", "eval"}).error.find("did you mean evaluation?"), std::string::npos);
  const Outcome unknown = run({"describe", "optimiser"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.error.find("did you mean optimizer?"), std::string::npos);
}

TEST(Commands, ErrorsKnowTheirExitCode) {
  EXPECT_EQ(failure_of(data::Error(data::Error::Kind::kData, "x")).exit_code, 65);
  EXPECT_EQ(failure_of(RecipeError(std::vector<Problem>(1))).exit_code, 2);
  EXPECT_EQ(failure_of(std::bad_alloc()).exit_code, 71);
  EXPECT_EQ(failure_of(std::filesystem::filesystem_error("x", std::error_code())).exit_code, 74);
  EXPECT_EQ(failure_of(std::runtime_error("x")).exit_code, 1);
}

TEST(Commands, FailuresOfFilesNameTheFile) {
  const auto gone = std::make_error_code(std::errc::no_such_file_or_directory);
  EXPECT_EQ(failure_of(std::filesystem::filesystem_error("status", "/a/b", gone)).message,
            "/a/b: No such file or directory; check the path, its permissions and the disk");
}

// The exit code of the program, run in a process of its own with `run` as its only command.
int code_of_program(int (*run)(std::span<const std::string>), bool closed_streams = false) {
  const pid_t child = fork();
  if (child == 0) {
    for (int stream = 0; closed_streams && stream < 3; ++stream) close(stream);
    const std::array commands = {Command{"try", "a command", run}};
    char program[] = "caravan", word[] = "try";
    char* words[] = {program, word};
    _exit(run_program(commands, 2, words, "1.2.3", failure_of));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(Commands, AFileNeverTakesThePlaceOfAClosedStream) {
  const auto opens = [](std::span<const std::string>) {
    const int file = open("/dev/zero", O_RDONLY);
    char byte = 0;
    return file > 2 && write(2, "x", 1) < 0 && read(0, &byte, 1) < 0 ? 3 : 1;
  };
  EXPECT_EQ(code_of_program(opens, true), 3);
}

TEST(Commands, AFileThatMayNotGrowIsAnErrorOfItsWrite) {
  const auto writes = [](std::span<const std::string>) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_FSIZE, &none);
    const int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    return write(file, "x", 1) < 0 && (errno == EFBIG || file < 0) ? 3 : 1;
  };
  EXPECT_EQ(code_of_program(writes), 3);
}

TEST(Commands, AnErrorThatLeavesAThreadHasItsExitCode) {
  const auto throws = [](std::span<const std::string>) -> int {
    std::thread([] { throw data::Error(data::Error::Kind::kData, "from a thread"); }).join();
    return 0;
  };
  EXPECT_EQ(code_of_program(throws), 65);
}

TEST(ShownText, HasNoControlCharactersAndNoBrokenUtf8) {
  EXPECT_EQ(shown_text("a\n\tb \xC3\xBC"), "a\n\tb \xC3\xBC");
  EXPECT_EQ(shown_text("\x1b[31m\r\x7f\a"), "?[31m???");
  EXPECT_EQ(shown_text("\xC2\x9B"
                       "31m"),
            "?31m");
  EXPECT_EQ(shown_text(std::string_view("a\0\xFF\xED\xA0\x80", 6)), "a?????");
}

TEST(ShownText, KeepsBothEndsOfALongText) {
  const std::string shown = shown_text("begin" + std::string(1000, 'x') + "the end", 40);
  EXPECT_EQ(shown.find("beginxxx"), 0u);
  EXPECT_TRUE(shown.ends_with("xxthe end"));
  EXPECT_NE(shown.find("(972 bytes left out)"), std::string::npos) << shown;
}

}  // namespace
}  // namespace caravan::recipes
