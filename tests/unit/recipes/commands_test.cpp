#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "data/error.h"
#include "recipes/commands/describe.h"
#include "recipes/commands/dispatch.h"
#include "recipes/commands/validate.h"
#include "recipes/read_recipe.h"

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
  EXPECT_NE(wrong.error.find("run.max_steps: found 0"), std::string::npos);
  EXPECT_EQ(run({"validate"}).code, 2);
  EXPECT_EQ(run({"validate", "--fast", recipe}).code, 2);
  EXPECT_EQ(run({"validate", "none.yaml"}).code, 2);
}

TEST(Commands, DescribeChecksThePage) {
  EXPECT_EQ(run({"describe", "--check", CARAVAN_SOURCE_DIR "/recipes/README.md"}).code, 0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run({"describe", "--check", CARAVAN_SOURCE_DIR "/recipes/recipe.h"}).code, 1);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("is out of date"), std::string::npos);
  const Outcome unknown = run({"describe", "optimiser"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.error.find("did you mean optimizer?"), std::string::npos);
}

TEST(Commands, ErrorsKnowTheirExitCode) {
  EXPECT_EQ(failure_of(data::Error(data::Error::Kind::kData, "x")).exit_code, 65);
  EXPECT_EQ(failure_of(RecipeError({{{.origin = "r"}, "x"}})).exit_code, 2);
  EXPECT_EQ(failure_of(std::bad_alloc()).exit_code, 71);
  EXPECT_EQ(failure_of(std::filesystem::filesystem_error("x", std::error_code())).exit_code, 74);
  EXPECT_EQ(failure_of(std::runtime_error("x")).exit_code, 1);
}

}  // namespace
}  // namespace caravan::recipes
