// The whole process in a folder with spaces, quotes and Korean letters: the same bytes as in one without.
#include "tests/operator/operator_run.h"

namespace caravan {
namespace {

class Paths : public OperatorRun {
 protected:
  static std::string stages() {
    return "schema: 1\nname: 카라반\nstages:\n"
           "  - {name: data, recipe: data.yaml}\n"
           "  - name: sft\n    recipe: sft.yaml\n    with: {data.sources.0.path: \"{data.out}\"}\n    tasks: "
           "[sums.yaml]\n"
           "  - name: pairs\n    recipe: prefer.yaml\n    with: {models.0.checkpoint: \"{sft.model}\"}\n"
           "  - {name: dpo, recipe: dpo.yaml, model: sft, with: {data.sources.0.path: \"{pairs.out}\"}}\n"
           "  - {name: rlvr, recipe: rlvr.yaml, model: dpo, ranks: 2}\n"
           "  - name: look\n    command: [sh, -c, 'ls \"$1\" > \"$CARAVAN_STAGE_DIR/seen\"', sh, "
           "\"{rlvr.model}\"]\n"
           "  - {name: release, recipe: release.yaml, model: rlvr}\n"
           "run: {dir: runs/tulu}\n";
  }
  // The world's inputs and recipes in that folder, and the pipeline run from there by relative paths.
  static int run_in(const std::string& folder) {
    fs::create_directories(folder + "/recipes");
    for (const char* name : {"data.yaml", "sft.yaml", "prefer.yaml", "dpo.yaml", "rlvr.yaml", "release.yaml",
                             "sums.yaml", "sums.jsonl", "prompts.jsonl", "pairs.jsonl"})
      fs::copy(path(name), folder + "/recipes/" + name);
    fs::copy(path("demo"), folder + "/recipes/demo", fs::copy_options::recursive);
    std::ofstream(folder + "/recipes/tulu.yaml") << stages();
    // The folder as a variable: no quoting of ours is tested.
    return run({"train", "recipes/tulu.yaml", "--quiet"},
               {.variables = {"FOLDER=" + folder}, .shell = "cd \"$FOLDER\"; exec \"$0\" \"$@\""});
  }
};

TEST_F(Paths, TheWholeProcessInAFolderOfAnyName) {
  const std::string plain = path("plain"), odd = path("카라반 run's \"#1\" & {more}, [a-z]*");
  ASSERT_EQ(run_in(plain), 0) << log();
  ASSERT_EQ(run_in(odd), 0) << log();
  for (const std::string file :
       {"1-data/train.jsonl", "2-sft/final/model.safetensors", "3-pairs/train.jsonl",
        "4-dpo/final/model.safetensors", "5-rlvr/final/model.safetensors", "6-look/seen",
        "7-release/final/model.safetensors", "7-release/final/config.json"}) {
    EXPECT_FALSE(tests::read_bytes(odd + "/runs/tulu/" + file).empty()) << file;
    EXPECT_TRUE(tests::read_bytes(odd + "/runs/tulu/" + file) ==
                tests::read_bytes(plain + "/runs/tulu/" + file))
        << file;
  }
  const json state = json::parse(tests::read_bytes(odd + "/runs/tulu/pipeline.json"));
  ASSERT_EQ(state["stages"].size(), 7u);
  for (const json& record : state["stages"]) EXPECT_EQ(record["decision"], "go on");
  EXPECT_EQ(state["stages"][1]["scores"],
            json::parse(tests::read_bytes(plain + "/runs/tulu/pipeline.json"))["stages"][1]["scores"]);
  EXPECT_TRUE(has(tests::read_bytes(odd + "/runs/tulu/report.html"), "카라반"));
  // Done is done, under the same name.
  EXPECT_EQ(run({"train", "recipes/tulu.yaml", "--quiet"},
                {.variables = {"FOLDER=" + odd}, .shell = "cd \"$FOLDER\"; exec \"$0\" \"$@\""}),
            0)
      << log();
}

TEST_F(Paths, EachJobInAFolderOfAnyName) {
  for (const Job& job : jobs()) {
    const std::string plain = path("plain-" + job.name), odd = path("내 폴더's \"" + job.name + "\" #2");
    fs::create_directories(plain);
    fs::create_directories(odd);
    ASSERT_EQ(run(words_of(job, plain)), 0) << log();
    ASSERT_EQ(run(words_of(job, odd)), 0) << log();
    EXPECT_EQ(results_of(job, odd), results_of(job, plain)) << job.name;
  }
}

// What the program wrote about itself can be read again, by itself.
TEST_F(Paths, ItsOwnFilesCanBeReadAgain) {
  const std::string odd = path("다시's: #3 {x}");
  ASSERT_EQ(run({"train", path("sft.yaml"), "--quiet", "run.dir=" + odd}), 0) << log();
  EXPECT_EQ(run({"validate", odd + "/recipe.yaml"}), 0) << log();
  EXPECT_EQ(run({"report", odd}), 0) << log();
  EXPECT_TRUE(has(log(), odd + "/report.html")) << log();
  EXPECT_EQ(run({"data", "explain", path("demo/train.jsonl") + ":1", "--run", odd}), 0) << log();
  EXPECT_TRUE(has(log(), odd)) << log();
}

}  // namespace
}  // namespace caravan
