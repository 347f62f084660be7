// What one sample says, and what all samples of a task say together.
#include "trainer/evaluation/sample_rows.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "trainer/evaluation/task_result.h"

namespace caravan::trainer {
namespace {

using data::Json;

data::TaskItem three_choices() {
  data::TaskItem item;
  item.bare_choices = {"ab", "abcdefgh", "\xc3\xa9\xc3\xa9\xc3\xa9"};  // 2, 8 and 3 characters; 6 bytes
  item.gold = 1;
  return item;
}

TEST(SampleRows, ChoicesAreComparedByCharactersAndByBytes) {
  data::TaskItem item = three_choices();
  const std::vector<double> log_probs{-4.0, -9.0, -5.1};
  // Per character -2, -1.125, -1.7; per byte -2, -1.125, -0.85.
  EXPECT_EQ(choice_values(item, log_probs), (Json{{"acc", 0}, {"acc_norm", 1}, {"acc_bytes", 0}}));
  item.gold = 2;
  EXPECT_EQ(choice_values(item, log_probs), (Json{{"acc", 0}, {"acc_norm", 0}, {"acc_bytes", 1}}));
  item.gold = 0;
  EXPECT_EQ(choice_values(item, {-4.0, -4.0, -4.0})["acc"], 1) << "the first of equals";
}

TEST(SampleRows, WordsAreCountedAsLmEvalCounts) {
  // len(re.split(r"\s+", " a  b\n")) is 4.
  const Json values = text_values(" a  b\n", -8.0, 3);
  EXPECT_EQ(values["word_perplexity"], (Json{-8.0, 4.0}));
  EXPECT_EQ(values["byte_perplexity"], (Json{-8.0, 6.0}));
  EXPECT_EQ(values["token_perplexity"], (Json{-8.0, 3.0}));
}

data::TaskOptions ifeval_task() {
  data::TaskOptions task;
  task.name = "if";
  task.verifiers = {{"ifeval", "prompt_acc", false}, {"ifeval", "instruction_acc", true}};
  return task;
}

TEST(SampleRows, InstructionsAreJudgedTogetherAndOneByOne) {
  const TaskJudges judges(ifeval_task());
  const Json truth{{"instruction_id", {"punctuation:no_comma", "change_case:english_lowercase"}},
                   {"kwargs", {Json::object(), Json::object()}}};
  Json sample;
  judges.judge("All of this is plain English text that has no such mark.", truth, sample);
  EXPECT_EQ(sample["verdict"], "wrong");
  EXPECT_EQ(sample["values"]["prompt_acc"], 0);
  EXPECT_EQ(sample["values"]["instruction_acc"], (Json{1.0, 2.0}));
}

Json sample(int index, int number, const Json& values, const std::string& verdict = "right") {
  return {{"index", index},   {"item", "f:1"},      {"sample", number},
          {"values", values}, {"verdict", verdict}, {"reason", "because"}};
}

TEST(TaskResult, ItemsCountOnceAndPartsApart) {
  data::TaskOptions task;
  task.name = "t";
  std::vector<Json> samples{sample(0, 0, {{"acc", 1}}), sample(0, 1, {{"acc", 0}}),
                            sample(1, 0, {{"acc", 1}}), sample(1, 1, {{"acc", 1}}, "unknown")};
  samples[2]["part"] = samples[3]["part"] = "sea";
  samples.push_back({{"index", 2}, {"item", "f:3"}, {"sample", 0}, {"left_out", "too_long"}});
  samples.push_back({{"index", 2}, {"item", "f:3"}, {"sample", 1}, {"left_out", "too_long"}});
  const TaskResult result = task_result(task, samples);
  EXPECT_EQ(result.items, 2);
  EXPECT_EQ(result.samples, 4);
  EXPECT_EQ(result.left_out.at("too_long"), 1);
  ASSERT_EQ(result.metrics.size(), 1u);
  EXPECT_DOUBLE_EQ(result.metrics[0].estimate.value, 0.75);
  EXPECT_DOUBLE_EQ(result.parts.at("sea")[0].estimate.value, 1.0);
}

TEST(TaskResult, AVerifierThatCanNeverTellLeavesADoubt) {
  data::TaskOptions task;
  task.name = "t";
  const TaskResult doubted =
      task_result(task, {sample(0, 0, {{"acc", 0}}, "unknown"), sample(1, 0, {{"acc", 0}}, "unknown")});
  EXPECT_NE(doubted.doubt.find("none of 2 answers; the first reason: because"), std::string::npos);
  EXPECT_EQ(doubted.metrics.at(0).estimate.value, 0.0);
  EXPECT_EQ(
      task_result(task, {sample(0, 0, {{"acc", 0}}, "unknown"), sample(1, 0, {{"acc", 0}}, "wrong")}).doubt,
      "");
  EXPECT_THROW(task_result(task, {Json{{"index", 0}, {"sample", 0}, {"left_out", "too_long"}}}), data::Error);
}

}  // namespace
}  // namespace caravan::trainer
