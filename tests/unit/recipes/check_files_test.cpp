#include "recipes/check_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace caravan::recipes {
namespace {

namespace fs = std::filesystem;

class CheckFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("caravan_check_files_" + std::to_string(getpid()));
    fs::create_directories(folder_ / "model");
    fs::create_directories(folder_ / "rows");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void touch(const std::string& name) const { std::ofstream(folder_ / name) << "x"; }

  // What is missing, with the test's folder written as T.
  std::string missing(const std::vector<std::string>& overrides = {}) const {
    const std::string text =
        "schema: 1\nstage: sft\nmodel: {path: model}\ndata: {sources: [{path: rows/*.jsonl}]}\nbatch: "
        "{sequences: 1}\n"
        "optimizer: {learning_rate: 1e-3}\nrun: {dir: " +
        (folder_ / "run").string() + ", max_steps: 1}\n";
    return told_by([&] { require_files(read_recipe_text(text, "r.yaml", folder_, overrides)); });
  }

  template <class Check>
  std::string told_by(Check&& check) const {
    try {
      check();
    } catch (const RecipeError& error) {
      std::string told = error.what();
      for (std::size_t at = told.find(folder_.string()); at != std::string::npos;
           at = told.find(folder_.string())) {
        told.replace(at, folder_.string().size(), "T");
      }
      return told;
    }
    return {};
  }

  fs::path folder_;
};

TEST_F(CheckFiles, AllThere) {
  for (const char* name :
       {"model/config.json", "model/model.safetensors", "model/tokenizer.json", "rows/a.jsonl"})
    touch(name);
  EXPECT_EQ(missing(), "");
  EXPECT_EQ(missing({"data.tokenizer=" + (folder_ / "model/tokenizer.json").string()}), "");
}

TEST_F(CheckFiles, EachMissingThingHasItsPlace) {
  EXPECT_EQ(
      missing(),
      "r.yaml:3:9: model.path: T/model has no config.json; a checkpoint in Hugging Face layout has one\n"
      "r.yaml:3:9: model.path: T/model has no tokenizer.json and no tokenizer.model; name one as "
      "data.tokenizer\n"
      "r.yaml:4:19: data.sources[0].path: no file T/rows/*.jsonl; relative paths start at the recipe's "
      "folder, on the command "
      "line at the current one");
}

TEST_F(CheckFiles, WeightsAreNeededUnlessDrawnAtRandom) {
  for (const char* name : {"model/config.json", "model/tokenizer.json", "rows/a.jsonl"}) touch(name);
  EXPECT_EQ(missing({"model.init=random"}), "");
  EXPECT_EQ(missing(),
            "r.yaml:3:9: model.path: T/model has no *.safetensors; convert the weights to safetensors, or "
            "set model.init: random");
}

TEST_F(CheckFiles, TheFolderOfARunIsNoModel) {
  fs::create_directories(folder_ / "model/final");
  for (const char* name : {"model/final/config.json", "rows/a.jsonl"}) touch(name);
  EXPECT_NE(missing().find("T/model is the folder of a run; the model it made is T/model/final\n"),
            std::string::npos);
}

TEST_F(CheckFiles, ModelsThatAreAskedOrReleased) {
  const fs::path recipe = folder_ / "r.yaml";
  std::ofstream(recipe) << "schema: 1\nstage: evaluate\nmodels:\n  - {name: a, path: model}\n  - {name: b, "
                           "path: nothing}\ntasks: [gsm8k]\nrun: {dir: "
                        << (folder_ / "scores").string() << "}\n";
  touch("model/config.json");
  touch("model/model.safetensors");
  EXPECT_EQ(told_by([&] { require_files(read_evaluation_recipe(recipe)); }),
            "T/r.yaml:5:15: models[1].path: no folder T/nothing; it must hold a checkpoint; relative paths "
            "start at the recipe's folder, on the command line at the current one");
  fs::create_directories(folder_ / "a_run/final");
  touch("a_run/final/config.json");
  touch("a_run/run.json");
  std::ofstream(recipe) << "schema: 1\nstage: release\nmodel: {path: a_run}\nrun: {dir: "
                        << (folder_ / "released").string() << "}\n";
  EXPECT_EQ(told_by([&] { require_files(read_release_recipe(recipe)); }),
            "T/r.yaml:3:9: model.path: T/a_run is the folder of a run; the model it made is T/a_run/final");
}

TEST_F(CheckFiles, FoldersAndVariablesAreExplained) {
  for (const char* name :
       {"model/config.json", "model/model.safetensors", "model/tokenizer.json", "rows/a.jsonl"})
    touch(name);
  const std::string rows = (folder_ / "rows").string();
  EXPECT_EQ(missing({"data.sources.0.path=" + rows}),
            "command line: data.sources.0.path=T/rows: T/rows is a folder; write "
            "T/rows/*.jsonl for the files "
            "in it");
  EXPECT_NE(missing({"data.sources.0.path=/${DATA}/a.jsonl"}).find("variables are not expanded"),
            std::string::npos);
  EXPECT_NE(missing({"data.chat_template=/none.jinja"}).find("no file /none.jinja"), std::string::npos);
  EXPECT_EQ(missing({"data.chat_template=tullu"}).substr(0, 73),
            "command line: data.chat_template=tullu: no built-in template tullu; allow");
  EXPECT_NE(missing({"data.chat_template=tullu"}).find("did you mean tulu?"), std::string::npos);
  EXPECT_EQ(missing({"data.chat_template=tulu"}), "");
  EXPECT_NE(missing({"run.dir=" + rows + "/a.jsonl/x"}).find("a.jsonl is a file; name a folder"),
            std::string::npos);
}

}  // namespace
}  // namespace caravan::recipes
