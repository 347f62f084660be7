// Several stages under one command: real programs, real signals, gates that are not passed.
#include "tests/pipeline/pipeline_run.h"

namespace caravan {
namespace {

class PipelineTest : public PipelineRun {};

TEST_F(PipelineTest, AStageTakesWhatAnEarlierOneMade) {
  const std::string recipe = write("chain", kTwoStages);
  ASSERT_EQ(train(recipe), 0) << log();
  EXPECT_EQ(story("chain"), "data go on, sft go on, more go on");
  const std::string rows = path("chain/1-data/train.jsonl");
  EXPECT_NE(tests::read_bytes(path("chain/2-sft/recipe.yaml")).find("path: \"" + rows + '"'),
            std::string::npos);
  EXPECT_NE(
      tests::read_bytes(path("chain/3-more/recipe.yaml")).find("path: \"" + path("chain/2-sft/final") + '"'),
      std::string::npos);
  // Done is done: nothing is run again.
  const auto written = fs::last_write_time(path("chain/3-more/metrics.jsonl"));
  EXPECT_EQ(train(recipe), 0) << log();
  EXPECT_EQ(fs::last_write_time(path("chain/3-more/metrics.jsonl")), written);
}

TEST_F(PipelineTest, TheCommandLineReachesKeysOfAStage) {
  const std::string recipe = write("reached", kTwoStages);
  ASSERT_EQ(train(recipe, {"stages.1.with.run.max_steps=2", "stages.2.with.run.seed=9"}), 0) << log();
  EXPECT_NE(tests::read_bytes(path("reached/2-sft/recipe.yaml")).find("max_steps: 2"), std::string::npos);
  const std::string more = tests::read_bytes(path("reached/3-more/recipe.yaml"));
  EXPECT_NE(more.find("seed: 9"), std::string::npos) << "the file says 6";
  EXPECT_NE(more.find("max_steps: 6"), std::string::npos) << more;
  EXPECT_EQ(train(write("twice", "  - {name: sft, recipe: sft.yaml, with: {run.seed: 1, run: {seed: 2}}}\n")),
            2);
  EXPECT_NE(log().find("\"run.seed\" is given twice"), std::string::npos) << log();
}

TEST_F(PipelineTest, EndsWithAReleaseWhoseCardTellsOfAllStages) {
  dir_->write("release.yaml",
              "schema: 1\nstage: release\nname: camel\nmodel: {path: unset}\nrun: {dir: unset}\n");
  const std::string stages =
      std::string(kTwoStages) + "  - {name: release, recipe: release.yaml, model: more}\n";
  ASSERT_EQ(train(write("released", stages)), 0) << log();
  EXPECT_EQ(story("released"), "data go on, sft go on, more go on, release go on");
  const std::string folder = path("released/4-release/final/");
  EXPECT_EQ(tests::read_bytes(folder + "model.safetensors"),
            tests::read_bytes(path("released/3-more/final/model.safetensors")));
  const std::string card = tests::read_bytes(folder + "README.md");
  for (const char* part : {"# camel", "| data | 3-mix |", "| sft | training rows |", "| more | sft |"})
    EXPECT_NE(card.find(part), std::string::npos) << part << "\n" << card;
  EXPECT_EQ(card.find(dir_->path().string()), std::string::npos) << "the machine's folders are not told";
  EXPECT_NE(tests::read_bytes(path("released/report.html")).find("training rows: "), std::string::npos);
  // Killed after the folder was in its place, and run again.
  json state = json::parse(tests::read_bytes(path("released/pipeline.json")));
  state["stages"].back()["state"] = "running";
  dir_->write("released/pipeline.json", state.dump());
  EXPECT_EQ(train("released.yaml"), 0) << log();
  EXPECT_EQ(tests::read_bytes(folder + "README.md"), card);
  const std::string tasks = "  - {name: release, recipe: release.yaml, model: more, tasks: [arc_easy]}\n";
  EXPECT_EQ(train(write("asked", kTwoStages + tasks)), 2);
  EXPECT_NE(log().find("evaluation.tasks"), std::string::npos) << log();
}

TEST_F(PipelineTest, StoppedInAStageItEndsWithTheSameBits) {
  ASSERT_EQ(train(write("whole", kTwoStages)), 0) << log();
  for (const int number : {SIGTERM, SIGINT, SIGKILL}) {
    const std::string name = "stopped" + std::to_string(number), recipe = write(name, kTwoStages);
    Program program = start(pipeline_words(recipe));
    const bool there = program.wait_until(
        [&] { return fs::exists(path(name + "/2-sft/checkpoints/step-00000002/manifest.json")); });
    if (there) program.signal(number);
    EXPECT_EQ(program.wait(), number == SIGKILL ? -SIGKILL : 75) << log();
    if (number != SIGKILL) {
      EXPECT_EQ(story(name), "data go on, sft stopped");
    }
    ASSERT_EQ(train(recipe), 0) << log();
    EXPECT_EQ(story(name), "data go on, sft go on, more go on");
    EXPECT_EQ(tests::read_bytes(path(name + "/3-more/final/model.safetensors")),
              tests::read_bytes(path("whole/3-more/final/model.safetensors")));
  }
}

TEST_F(PipelineTest, AStopThatAChildIgnoredEndsThePipelineAllTheSame) {
  const std::string next = "  - {name: next, command: [sh, -c, 'touch \"$CARAVAN_STAGE_DIR/ran\"']}\n";
  const std::string deaf =
      write("deaf",
            "  - {name: deaf, command: [sh, -c, 'trap : TERM; cd \"$CARAVAN_STAGE_DIR\"; touch begun; "
            "until test -e go; do sleep 0.02; done']}\n" +
                next);
  Program program = start(pipeline_words(deaf));
  ASSERT_TRUE(program.wait_until([&] { return fs::exists(path("deaf/1-deaf/begun")); })) << log();
  program.signal(SIGTERM);
  dir_->write("deaf/1-deaf/go", "");
  EXPECT_EQ(program.wait(), 75) << log();
  EXPECT_EQ(story("deaf"), "deaf stopped");
  EXPECT_EQ(train(deaf), 0) << log();
  EXPECT_EQ(story("deaf"), "deaf go on, next go on");
  // The last thing a child does, so that the signal comes when it is gone, or going.
  for (const char* name : {"TERM", "INT", "HUP", "USR1"}) {
    const std::string recipe =
        write(std::string("between") + name,
              "  - {name: last, command: [sh, -c, 'test -e \"$CARAVAN_STAGE_DIR/told\" || { touch "
              "\"$CARAVAN_STAGE_DIR/told\"; trap \"\" " +
                  std::string(name) + "; kill -" + name + " $PPID; }']}\n" + next);
    EXPECT_EQ(train(recipe), 75) << name << log();
    EXPECT_EQ(story(std::string("between") + name), "last stopped");
    EXPECT_NE(log().find("last was stopped"), std::string::npos) << log();
    EXPECT_EQ(train(recipe), 0) << log();
    EXPECT_EQ(story(std::string("between") + name), "last go on, next go on");
  }
}

TEST_F(PipelineTest, AGateThatIsNotPassedStopsUntilItIsLowered) {
  const std::string stages = "  - {name: sft, recipe: sft.yaml}\n";
  const std::string recipe = write("gate", stages + score_stage("{min: {quiz: 0.3}}"));
  EXPECT_EQ(train(recipe), 78);
  EXPECT_NE(log().find("quiz 0.1 is below 0.3"), std::string::npos) << log();
  EXPECT_EQ(train(recipe), 78) << "it was not measured again";
  EXPECT_EQ(tests::read_bytes(path("gate/count")), "1\n");
  write("gate", stages + score_stage("{min: {quiz: 0.1}}"));
  EXPECT_EQ(train(recipe), 0) << log();
  EXPECT_EQ(story("gate"), "sft go on, quiz go on");
}

TEST_F(PipelineTest, AGateGoesBackSoOftenAsItMay) {
  const std::string stages = "  - {name: sft, recipe: sft.yaml}\n";
  const std::string gate = "{min: {quiz: 0.3}, back_to: sft, with: {run.seed: 9}, at_most: ";
  ASSERT_EQ(train(write("back", stages + score_stage(gate + "2}"))), 0) << log();
  EXPECT_EQ(story("back"), "sft go on, quiz back to sft, sft go on, quiz back to sft, sft go on, quiz go on");
  EXPECT_EQ(records("back")[4]["dir"], "1-sft.3");
  EXPECT_NE(tests::read_bytes(path("back/1-sft.2/recipe.yaml")).find("seed: 9"), std::string::npos);
  EXPECT_NE(tests::read_bytes(path("back/1-sft/recipe.yaml")).find("seed: 5"), std::string::npos);
  EXPECT_EQ(train(write("once", stages + score_stage(gate + "1}"))), 78) << log();
  EXPECT_EQ(story("once"), "sft go on, quiz back to sft, sft go on, quiz stop");
}

TEST_F(PipelineTest, ScoresMayNotFall) {
  dir_->write("first.sh", "echo '{\"quiz\": 0.5, \"other\": 1}' > \"$CARAVAN_STAGE_DIR/scores.json\"\n");
  dir_->write("second.sh", "echo '{\"quiz\": 0.48}' > \"$CARAVAN_STAGE_DIR/scores.json\"\n");
  const auto stages = [&](const std::string& rule) {
    return "  - {name: first, command: [sh, " + path("first.sh") + "]}\n  - {name: second, command: [sh, " +
           path("second.sh") + "], gate: {not_worse_than: \"" + rule + "\"}}\n";
  };
  EXPECT_EQ(train(write("forgiven", stages("previous - 0.03"))), 0) << log();
  EXPECT_EQ(train(write("fallen", stages("first - 0.01"))), 78);
  EXPECT_NE(log().find("quiz 0.48 is worse than 0.5, less 0.01 forgiven"), std::string::npos) << log();
  EXPECT_EQ(train(write("raised", stages("first + 0.01"))), 78);
  EXPECT_NE(log().find("quiz 0.48 is too little after 0.5, 0.01 more asked for"), std::string::npos) << log();
  dir_->write("second.sh", "echo '{\"quiz\": 0.52}' > \"$CARAVAN_STAGE_DIR/scores.json\"\n");
  EXPECT_EQ(train(write("risen", stages("first + 0.01"))), 0) << log();
}

// A stage of one command that writes these scores, in attempt after attempt.
std::string scored(const std::string& name, const std::vector<std::string>& scores,
                   const std::string& gate = "{}") {
  std::string text = "  - name: " + name + "\n    gate: " + gate +
                     "\n    command:\n      - sh\n      - -c\n      - |\n        case "
                     "\"$CARAVAN_STAGE_DIR\" in\n";
  for (std::size_t i = scores.size(); i-- > 0;)
    text += "        *" + (i == 0 ? std::string() : "." + std::to_string(i + 1)) + ") echo '" + scores[i] +
            "' > \"$CARAVAN_STAGE_DIR/scores.json\" ;;\n";
  return text + "        esac\n";
}

TEST_F(PipelineTest, PreviousIsAPlaceInTheRecipe) {
  const std::string quiz = "{\"quiz\": ", rule = "{not_worse_than: previous}";
  const std::string stages = scored("first", {quiz + "0.5}"}) +
                             scored("second", {quiz + "0.6}", quiz + "0.3}"}, rule) +
                             scored("third", {quiz + "0.1}"}, "{min: {quiz: 0.2}, back_to: second}");
  EXPECT_EQ(train(write("place", stages)), 78) << log();
  EXPECT_EQ(story("place"), "first go on, second go on, third back to second, second stop");
  EXPECT_NE(log().find("quiz 0.3 is worse than 0.5"), std::string::npos) << log();
}

TEST_F(PipelineTest, WhatWasNotMeasuredDoesNotPass) {
  EXPECT_EQ(train(write("no_figure", scored("a", {R"({"quiz": null, "other": 1})"}, "{min: {quiz: 0.1}}"))),
            78)
      << log();
  EXPECT_NE(log().find("quiz was not measured"), std::string::npos) << log();
  EXPECT_EQ(records("no_figure")[0]["scores"], (json{{"other", 1.0}}));
  const std::string last = scored("b", {R"({"quiz": 0.5})"}, "{not_worse_than: a}");
  EXPECT_EQ(train(write("nothing_common", scored("a", {R"({"other": 1})"}) + last)), 78) << log();
  EXPECT_NE(log().find("no task in common with a"), std::string::npos) << log();
  EXPECT_EQ(train(write("common", scored("a", {R"({"quiz": 0.5, "other": 1})"}) + last)), 0) << log();
}

TEST_F(PipelineTest, HooksThatFailOrHangStopIt) {
  const std::string stage = "  - name: sft\n    recipe: sft.yaml\n    after: [";
  ASSERT_EQ(
      train(write("hooked", stage + "{command: [sh, -c, 'ls \"$1/final\" > \"$CARAVAN_STAGE_DIR/seen\"', "
                                    "sh, \"{sft.dir}\"]}]\n")),
      0)
      << log();
  EXPECT_NE(tests::read_bytes(path("hooked/1-sft/seen")).find("model.safetensors"), std::string::npos);
  EXPECT_EQ(train(write("failing", stage + "{command: [sh, -c, 'exit 9']}]\n")), 9);
  EXPECT_EQ(story("failing"), "sft failed");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(train(write("hanging", stage + "{command: [sh, -c, 'sleep 300'], timeout: 1 seconds}]\n")), 70);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(120));
  EXPECT_NE(log().find("sh did not end within 1 seconds"), std::string::npos) << log();
  EXPECT_EQ(train(write("absent", stage + "{command: [no_such_program_anywhere]}]\n")), 2);
}

TEST_F(PipelineTest, WhatCannotBeIsRefusedBeforeAnythingRuns) {
  const auto refusal = [&](const std::string& stages, int code = 2) {
    EXPECT_EQ(train(write("refused", stages)), code) << stages;
    EXPECT_FALSE(fs::exists(path("refused"))) << stages;
    return log();
  };
  const std::string sft = "  - {name: sft, recipe: sft.yaml}\n";
  EXPECT_NE(refusal("  - {name: sft}\n").find("needs either a recipe or a command"), std::string::npos);
  EXPECT_NE(refusal(sft + "  - {name: sft, recipe: sft.yaml}\n").find("refused.yaml:4:6"), std::string::npos)
      << log();
  EXPECT_NE(refusal(sft + "  - {name: dpo, recipe: sft.yaml, model: stf}\n").find("did you mean sft?"),
            std::string::npos);
  EXPECT_NE(refusal("  - {name: a, recipe: sft.yaml, tasks: [gsm8k], gate: {min: {gsm8: 0.6}}}\n")
                .find("did you mean gsm8k?"),
            std::string::npos)
      << log();
  EXPECT_NE(
      refusal("  - {name: a, recipe: sft.yaml, gate: {min: {gsm8k: 0.6}}}\n").find("nothing to look at"),
      std::string::npos);
  EXPECT_NE(refusal("  - {name: a, recipe: sft.yaml, tasks: [x], gate: {not_worse_than: 0.5}}\n")
                .find("previous, or the name of an earlier stage"),
            std::string::npos)
      << log();
  EXPECT_NE(refusal("  - {name: a, command: [sh], with: {x: y}}\n").find("has no effect on a command"),
            std::string::npos);
  // The recipe of a stage is read before anything runs, with what the stage changes.
  EXPECT_NE(refusal(sft + "  - {name: b, recipe: sft.yaml, with: {run.max_stepz: 3}}\n")
                .find("stage b, with: run.max_stepz=3: run.max_stepz: unknown key; did you mean max_steps?"),
            std::string::npos)
      << log();
  EXPECT_NE(refusal("  - {name: b, recipe: sft.yaml, with: {data.sources.0.path: \"{data.out}\"}}\n")
                .find("no earlier stage has this name"),
            std::string::npos)
      << log();
}

TEST_F(PipelineTest, TheLockOfAPipelineThatWasKilledAtItsStartIsNobodys) {
  const std::string recipe = write("killed", score_stage("{min: {quiz: 0.1}}"));
  dir_->write("killed/.lock", "1");
  EXPECT_EQ(train(recipe), 0) << log();
  EXPECT_EQ(story("killed"), "quiz go on");
}

TEST_F(PipelineTest, WhatIsNeededLateIsLookedAtEarly) {
  const auto refusal = [&](const std::string& stages, const std::string& wanted, int code = 2) {
    EXPECT_EQ(train(write("refused", stages)), code) << stages;
    EXPECT_FALSE(fs::exists(path("refused"))) << stages;
    EXPECT_NE(log().find(wanted), std::string::npos) << log();
  };
  const std::string sft = "  - {name: sft, recipe: sft.yaml}\n";
  const std::string again = "{min: {quiz: 0.3}, back_to: sft, with: {optimizer.learning_rat: 1.0e-6}}";
  refusal(sft + score_stage(again), "stage quiz, gate.with: optimizer.learning_rat=1.0e-6");
  refusal(scored("first", {"{}"}) +
              scored("second", {"{}"}, "{min: {quiz: 1}, back_to: first, with: {run.seed: 2}}"),
          "gate.with: has no effect on first, a command");
  refusal("  - name: a\n    recipe: sft.yaml\n    after: [{command: [ls, \"{b.dir}\"]}]\n",
          "stages[0].after[0].command: {b. ...}: no earlier stage has this name");
  refusal("  - {name: a, recipe: sft.yaml, tasks: [gsm8k], evaluate_flags: [--data, \"{c.dir}\"]}\n",
          "stages[0].evaluate_flags: {c. ...}");
  refusal("  - {name: a, recipe: sft.yaml, tasks: [gsm8]}\n", "stages[0].tasks: there is no task \"gsm8\"");
  refusal("  - {name: a, recipe: data.yaml, tasks: [gsm8k]}\n", "no effect on a stage that makes rows");
  refusal("  - {name: a, recipe: sft.yaml, tasks: [" + std::string("mmlu_pro") + "]}\n",
          "is of the unseen suite", 77);
  dir_->write("own.yaml",
              "schema: 1\nname: mine\nkind: perplexity\nsuite: development\ndata: x.jsonl\n"
              "prompt: \"{{ text }}\"\n");
  refusal("  - {name: a, recipe: sft.yaml, tasks: [own.yaml], gate: {min: {own: 3}}}\n",
          "stages[0].gate.min: found \"own\"; allowed: the tasks of the stage");
  refusal(sft + "  - {name: a, recipe: sft.yaml, tasks: [gsm8k], gate: {not_worse_than: sft}}\n",
          "there are no scores of sft to compare with; name tasks for it");
  refusal(sft + "  - {name: a, recipe: sft.yaml, tasks: [gsm8k], gate: {not_worse_than: previous}}\n",
          "there are no scores of previous to compare with; name tasks for an earlier stage");
  const std::string valid =
      write("valid", "  - {name: a, recipe: sft.yaml, tasks: [own.yaml, " + std::string("mmlu_pro") +
                         "], evaluate_flags: [--release, --data, \"{a.dir}\"], gate: {min: {mine: 3}}}\n");
  EXPECT_EQ(run({"validate", path(valid)}), 0) << log();
}

TEST_F(PipelineTest, AFolderOfSomethingElseOrOfAnotherRecipeIsLeftAlone) {
  const std::string sft = "  - {name: sft, recipe: sft.yaml}\n";
  const std::string recipe = write("mine", sft);
  dir_->write("mine/notes.txt", "mine");
  EXPECT_EQ(train(recipe), 77);
  fs::remove(path("mine/notes.txt"));
  ASSERT_EQ(train(recipe), 0) << log();
  write("mine", "  - {name: sft, recipe: sft.yaml, with: {run.seed: 7}}\n");
  EXPECT_EQ(train(recipe), 2);
  EXPECT_NE(log().find("stages[0].with: not set -> {\"run.seed\": \"7\"}"), std::string::npos) << log();
}

}  // namespace
}  // namespace caravan
