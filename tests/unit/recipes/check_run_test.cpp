// What validate finds before anything is loaded.
#include "recipes/check_run.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "recipes/resolved_recipe.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/recipes/recipe_text.h"

namespace caravan::recipes {
namespace {

class CheckRun : public testing::Test {
 protected:
  CheckRun() {
    folder_.write("rows.jsonl",
                  R"({"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]})");
    recipe_ = tests::read(tests::small_recipe()).recipe;
    recipe_.data.sources[0].path = path("rows.jsonl");
    recipe_.run.dir = path("run");
  }

  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  // The one thing that is wrong; its exit code goes to `code`.
  std::string failure(int* code = nullptr) const {
    const RunCheck check = check_run(recipe_);
    EXPECT_LE(check.failures.size(), 1u);
    if (check.failures.empty()) return "";
    if (code != nullptr) *code = check.failures[0].exit_code;
    return check.failures[0].message;
  }

  tests::TempDir folder_;
  Recipe recipe_;
};

TEST_F(CheckRun, ASoundRecipeLeavesNoTrace) {
  EXPECT_EQ(failure(), "");
  EXPECT_TRUE(check_run(recipe_).notes.empty());
  EXPECT_FALSE(std::filesystem::exists(recipe_.run.dir));
}

TEST_F(CheckRun, FilesAndTheirRows) {
  int code = 0;
  folder_.write("rows.txt", "a,b\n");
  recipe_.data.sources[0].path = path("rows.txt");
  EXPECT_NE(failure(&code).find("no row format is known by this ending"), std::string::npos);
  EXPECT_EQ(code, 65);
  folder_.write("empty.jsonl", "\n");
  recipe_.data.sources[0].path = path("empty.jsonl");
  EXPECT_NE(failure(&code).find("holds no row"), std::string::npos);
  recipe_.data.sources[0].format = data::RowFormat::kMessages;
  EXPECT_NE(failure(&code).find("holds no row"), std::string::npos);
  recipe_.data.sources[0] = {.path = path("rows.jsonl"), .format = data::RowFormat::kAlpaca};
  EXPECT_EQ(failure(), "");
  EXPECT_NE(check_run(recipe_).notes.at(0).find("missing_field:instruction"), std::string::npos);
  folder_.write("odd.jsonl", R"({"who":"knows"})");
  recipe_.data.sources[0] = {.path = path("odd.jsonl")};
  EXPECT_NE(failure(&code).find("no known layout"), std::string::npos);
}

TEST_F(CheckRun, FoldersThatCannotBeWritten) {
  int code = 0;
  recipe_.run.dir = "/proc/x";
  EXPECT_NE(failure(&code).find("run.dir: /proc/x cannot be made"), std::string::npos);
  EXPECT_EQ(code, 74);
}

TEST_F(CheckRun, DevicesThatAreNotThere) {
  if (CARAVAN_BUILT_FOR_CUDA) GTEST_SKIP() << "a build for GPUs asks the driver";
  recipe_.run.device = trainer::DeviceChoice::kCuda;
  EXPECT_NE(failure().find("this build computes on the CPU only"), std::string::npos);
}

TEST_F(CheckRun, AnEarlierLaunch) {
  int code = 0;
  Recipe other = recipe_;
  other.optimizer.learning_rate = 0.5;
  folder_.write("run/recipe.yaml", resolved_yaml(other));
  // It ended before its first step, by its data say, and binds nobody.
  EXPECT_EQ(failure(), "");
  folder_.write("run/run.json", "{}");
  EXPECT_NE(failure(&code).find("optimizer.learning_rate: 0.5 -> 0.001"), std::string::npos) << failure();
  EXPECT_EQ(code, 2);
  folder_.write("run/recipe.yaml", resolved_yaml(recipe_));
  EXPECT_EQ(failure(), "");
  recipe_.run.resume = trainer::Resume::kRequired;
  EXPECT_NE(failure().find("run.resume is required"), std::string::npos);
  recipe_.run.resume = trainer::Resume::kNever;
  EXPECT_NE(failure().find("run.resume is never"), std::string::npos);
  recipe_.run.resume = trainer::Resume::kAuto;
  folder_.write("run/final/config.json", "{}");
  EXPECT_EQ(failure(), "");
  EXPECT_NE(check_run(recipe_).notes.at(0).find("a run that is done"), std::string::npos);
}

TEST_F(CheckRun, AFolderOfSomebodyElse) {
  int code = 0;
  folder_.write("run/metrics.jsonl", "mine");
  EXPECT_NE(failure(&code).find("no run made it"), std::string::npos);
  EXPECT_EQ(code, 77);
}

}  // namespace
}  // namespace caravan::recipes
