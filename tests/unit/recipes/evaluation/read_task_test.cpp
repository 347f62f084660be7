// Task files: those built in, those of a user, and broken ones.
#include "recipes/evaluation/read_task.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "data/evaluation/task_items.h"
#include "data/rewards/verifier_table.h"
#include "recipes/evaluation/builtin_tasks.h"
#include "recipes/reader/problem.h"
#include "recipes/resolved_recipe.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace caravan::recipes {
namespace {

using Words = std::vector<std::string>;

const std::string kTask =
    "schema: 1\nname: own\nkind: generation\nsuite: development\ndata: rows.jsonl\n"
    "prompt: \"{{ q }}\"\nverifiers: [{name: gsm8k}]\n";

std::string problem_of(const std::string& text) {
  try {
    read_task_text(text, "own.yaml");
  } catch (const RecipeError& error) {
    return error.what();
  }
  return "";
}

std::string refusal_of(const Words& words, const Words& overrides) {
  try {
    read_tasks(words, overrides);
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    return error.what();
  }
  return "";
}

TEST(ReadTask, EveryBuiltInTaskIsSound) {
  ASSERT_GE(builtin_tasks().size(), 9u);
  for (const BuiltinTask& builtin : builtin_tasks()) {
    const data::TaskOptions task = read_task_text(builtin.text, std::string(builtin.name));
    EXPECT_EQ(task.name, builtin.name);
  }
}

TEST(ReadTask, MathReadsTheColumnsOfPublishedSplits) {
  SKIP_WITHOUT_SHARED_DATA();
  const ReadTask math = read_tasks(Words{"math_dev"}, {})[0];
  const data::TaskItems items(math.task, tests::shared_data().string(), 0);
  ASSERT_EQ(items.items().size(), 2724u);
  const auto verifier = data::make_verifier("math");
  for (const data::TaskItem& item : items.items()) {
    ASSERT_EQ(item.left_out, "");
    // The right answer in a box is right.
    ASSERT_NE(verifier->verify("So \\boxed{" + item.ground_truth.get<std::string>() + "}.", item.ground_truth)
                  .verdict,
              data::Verdict::kWrong)
        << item.ground_truth;
  }
}

TEST(ReadTask, WrittenOutItReadsBack) {
  for (const BuiltinTask& builtin : builtin_tasks()) {
    const data::TaskOptions task = read_task_text(builtin.text, std::string(builtin.name));
    EXPECT_EQ(read_task_text(resolved_yaml(task), "again"), task) << builtin.name;
  }
}

TEST(ReadTask, ATemperatureThatNoSamplerTakesIsRefused) {
  const auto with = [](const std::string& value) {
    return problem_of(std::string(kTask) + "generation: {temperature: " + value + "}\n");
  };
  EXPECT_EQ(with("0"), "");
  EXPECT_EQ(with("1.0e-5"), "");
  EXPECT_NE(with("1.0e-6").find("generation.temperature: found 1e-06; allowed: 0 (greedy), or 1e-5 to 1e6"),
            std::string::npos)
      << with("1.0e-6");
}

TEST(ReadTask, ANameThatNobodyKnowsHasANearOne) {
  const std::string refusal = refusal_of({"arc_esay"}, {});
  EXPECT_NE(refusal.find("did you mean arc_easy?"), std::string::npos) << refusal;
}

TEST(ReadTask, OverridesReachTheirTask) {
  const tests::TempDir folder;
  const std::string own = folder.write("own.yaml", kTask);
  const auto tasks = read_tasks(Words{"gsm8k", own}, Words{"own.generation.n=4", "gsm8k.few_shot.count=3"});
  ASSERT_EQ(tasks.size(), 2u);
  EXPECT_EQ(tasks[0].task.few_shot.count, 3);
  EXPECT_EQ(tasks[0].folder, "");
  EXPECT_EQ(tasks[1].task.generation.n, 4);
  EXPECT_EQ(tasks[1].folder, folder.path());
  EXPECT_NE(refusal_of({"gsm8k"}, {"mmlu.header=true"}).find("no task mmlu"), std::string::npos);
  EXPECT_NE(refusal_of({"gsm8k"}, {"limit=3"}).find("TASK.KEY=VALUE"), std::string::npos);
  EXPECT_NE(refusal_of({"gsm8k", "gsm8k"}, {}).find("named twice"), std::string::npos);
  EXPECT_NE(refusal_of({"absent.yaml"}, {}).find("no such file; a task is a YAML file"), std::string::npos);
}

TEST(ReadTask, BrokenFilesSayWhatIsWrongAndWhere) {
  EXPECT_EQ(problem_of(kTask), "");
  EXPECT_NE(problem_of(kTask + "promt: x\n").find("own.yaml:8:1: promt: unknown key; did you mean prompt?"),
            std::string::npos)
      << problem_of(kTask + "promt: x\n");
  EXPECT_NE(problem_of(kTask + "choices: x\n").find("choices has no effect on a task of kind generation"),
            std::string::npos);
  EXPECT_NE(problem_of(kTask + "ground_truth: \"{{ q \"\n").find("own.yaml:8"), std::string::npos);
  EXPECT_NE(problem_of(kTask + "few_shot: {count: 2}\n").find("few_shot.data is missing"), std::string::npos);
  std::string other = kTask;
  other.replace(other.find("gsm8k"), 5, "gsm8q");
  EXPECT_NE(problem_of(other).find("verifiers[0].name"), std::string::npos);
  other = kTask;
  other.replace(other.find("generation"), 10, "multiple_choice");
  EXPECT_NE(problem_of(other).find("choices is missing"), std::string::npos);
  EXPECT_NE(problem_of("- a\n").find("a task is keys and values"), std::string::npos);
  EXPECT_NE(problem_of("").find("a task is keys and values"), std::string::npos);
}

}  // namespace
}  // namespace caravan::recipes
