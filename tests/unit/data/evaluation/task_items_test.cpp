// Rows to questions: the very prompts that lm-eval makes, and rows that cannot be asked.
#include "data/evaluation/task_items.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

using tests::TempDir;

TaskOptions choice_task() {
  TaskOptions task;
  task.name = "quiz";
  task.kind = TaskKind::kMultipleChoice;
  task.data = "quiz.jsonl";
  task.prompt = "Question: {{ question }}\nAnswer:";
  task.choices = "{{ choices.text | tojson }}";
  task.labels = "{{ choices.label | tojson }}";
  task.answer = "{{ answerKey }}";
  return task;
}

const std::string kRow =
    R"({"question": "Two and two?", "choices": {"text": ["three", "four"], "label": ["A", "B"]}, "answerKey": "B"})";

std::string error_of(const TaskOptions& task, const TempDir& folder) {
  try {
    TaskItems(task, folder.path().string(), 0);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TaskItems, APromptIsAsLmEvalWritesIt) {
  const TempDir folder;
  folder.write("quiz.jsonl", kRow + "\n");
  const TaskItems items(choice_task(), folder.path().string(), 0);
  ASSERT_EQ(items.items().size(), 1u);
  const TaskItem& item = items.items()[0];
  EXPECT_EQ(item.id, "quiz.jsonl:1");
  EXPECT_EQ(item.context, "Question: Two and two?\nAnswer:");
  EXPECT_EQ(item.choices, (std::vector<std::string>{" three", " four"}));
  EXPECT_EQ(item.bare_choices, (std::vector<std::string>{"three", "four"}));
  EXPECT_EQ(item.gold, 1u);
}

TEST(TaskItems, ExamplesComeFromTheFileOfThePart) {
  const TempDir folder;
  folder.write("test/sea_test.csv", "How deep?,1 m,2 m,3 m,4 m,C\n");
  folder.write("dev/sea_dev.csv", "How wide?,1 m,2 m,3 m,4 m,A\nHow old?,1,2,3,4,B\n");
  folder.write("test/sky_test.csv", "How high?,1 m,2 m,3 m,4 m,D\n");
  folder.write("dev/sky_dev.csv", "How blue?,1,2,3,4,D\nHow far?,1,2,3,4,D\n");
  TaskOptions task = choice_task();
  task.data = "test/*_test.csv";
  task.header = false;
  task.description = "About {{ part }}.\n\n";
  task.prompt = "{{ row['1'].strip() }}\nAnswer:";
  task.choices = task.labels = "{{ ['A', 'B', 'C', 'D'] | tojson }}";
  task.answer = "{{ row['6'] }}";
  task.few_shot.count = 2;
  task.few_shot.data = "dev/*_dev.csv";
  const TaskItems items(task, folder.path().string(), 0);
  ASSERT_EQ(items.items().size(), 2u);
  EXPECT_EQ(items.items()[0].context,
            "About sea.\n\nHow wide?\nAnswer: A\n\nHow old?\nAnswer: B\n\nHow deep?\nAnswer:");
  EXPECT_EQ(items.items()[1].context,
            "About sky.\n\nHow blue?\nAnswer: D\n\nHow far?\nAnswer: D\n\nHow high?\nAnswer:");
  EXPECT_EQ(items.items()[1].part, "sky");
  EXPECT_EQ(items.items()[1].gold, 3u);
}

TEST(TaskItems, RandomExamplesAreNeverTheItemAndStayTheSame) {
  const TempDir folder;
  std::string rows;
  for (int i = 0; i < 6; ++i) rows += R"({"question": "q)" + std::to_string(i) + R"(", "reply": "r"})" + "\n";
  folder.write("quiz.jsonl", rows);
  TaskOptions task;
  task.name = "quiz";
  task.data = task.few_shot.data = "quiz.jsonl";
  task.prompt = "{{ question }}";
  task.answer = "{{ reply }}";
  task.few_shot.count = 5;
  task.few_shot.order = ShotOrder::kRandom;
  const TaskItems all(task, folder.path().string(), 0), two(task, folder.path().string(), 2);
  for (const TaskItem& item : all.items()) {
    const std::string question = item.context.substr(item.context.rfind('q'));
    EXPECT_EQ(item.context.find(question), item.context.size() - 2) << item.context;
  }
  EXPECT_NE(all.items()[0].context.substr(0, 10), all.items()[1].context.substr(0, 10));
  EXPECT_EQ(two.items().size(), 2u);
  EXPECT_EQ(two.items()[1].context, all.items()[1].context);
  // Nor does the draw depend on files before, of which a limit leaves more or less.
  folder.write("more/a_0.jsonl", rows);
  folder.write("more/a_1.jsonl", rows);
  task.data = "more/a_*.jsonl";
  const TaskItems both(task, folder.path().string(), 0), limited(task, folder.path().string(), 2);
  ASSERT_EQ(limited.items()[2].id, both.items()[6].id);
  EXPECT_EQ(limited.items()[2].context, both.items()[6].context);
  task.data = "quiz.jsonl";
  task.few_shot.count = 6;
  EXPECT_NE(error_of(task, folder).find("few_shot.count is 6"), std::string::npos);
}

TEST(TaskItems, AChatHasTurns) {
  const TempDir folder;
  folder.write("quiz.jsonl", kRow + "\n");
  TaskOptions task = choice_task();
  task.chat = true;
  task.description = "Be brief.";
  task.few_shot.count = 1;
  task.few_shot.examples = {{"One and one?", "two"}};
  const TaskItem item = TaskItems(task, folder.path().string(), 0).items()[0];
  ASSERT_EQ(item.messages.size(), 4u);
  EXPECT_EQ(item.messages[0].role, "system");
  EXPECT_EQ(item.messages[2].content, "two");
  EXPECT_EQ(item.messages[3].content, "Question: Two and two?\nAnswer:");
  EXPECT_EQ(item.choices[0], "three");
}

TEST(TaskItems, GroundTruthIsTextOrJson) {
  const TempDir folder;
  folder.write("g.jsonl", R"({"q": "x", "ids": ["a:b"], "kw": [{}], "n": "7"})"
                          "\n");
  TaskOptions task;
  task.name = "g";
  task.data = "g.jsonl";
  task.prompt = "{{ q }}";
  task.ground_truth = "{{ n }}";
  EXPECT_EQ(TaskItems(task, folder.path().string(), 0).items()[0].ground_truth, Json("7"));
  task.ground_truth = "{{ {'instruction_id': ids, 'kwargs': kw} | tojson }}";
  EXPECT_EQ(TaskItems(task, folder.path().string(), 0).items()[0].ground_truth,
            (Json{{"instruction_id", {"a:b"}}, {"kwargs", Json::array({Json::object()})}}));
}

TEST(TaskItems, ATemplateMaySetNamesOfItsOwn) {
  const TempDir folder;
  folder.write("g.jsonl", "{\"q\": \"deep\", \"n\": [1, 2]}\n");
  TaskOptions task;
  task.name = "g";
  task.data = "g.jsonl";
  task.prompt =
      "{% set word = q %}{% for x in n %}{% set twice = x + x %}{{ twice }} {% endfor %}"
      "{% macro say(what) %}{{ what }}!{% endmacro %}{{ say(word) }}";
  EXPECT_EQ(TaskItems(task, folder.path().string(), 0).items()[0].context, "2 4 deep!");
  // What it reads besides is still looked for.
  task.prompt = "{% set word = who %}{{ word }}";
  EXPECT_NE(error_of(task, folder).find("the row has no \"who\""), std::string::npos);
}

TEST(TaskItems, RowsThatCannotBeAskedSayWhy) {
  const TempDir folder;
  folder.write("g.jsonl",
               "{\"q\": \" \", \"n\": \"7\"}\n{\"q\": \"x\", \"n\": \"\"}\n{\"q\": \"x\", \"n\": \"7\"}\n");
  TaskOptions task;
  task.name = "g";
  task.data = "g.jsonl";
  task.prompt = "{{ q }}";
  task.ground_truth = "{{ n }}";
  const TaskItems items(task, folder.path().string(), 0);
  EXPECT_EQ(items.items()[0].left_out, "empty_prompt");
  EXPECT_EQ(items.items()[1].left_out, "no_ground_truth");
  EXPECT_EQ(items.items()[2].left_out, "");
}

TEST(TaskItems, WhatDoesNotFitNamesItsPlace) {
  const TempDir folder;
  folder.write("quiz.jsonl", kRow + "\n{\"question\": \"x\"\n");
  EXPECT_NE(error_of(choice_task(), folder).find("quiz.jsonl:2"), std::string::npos);
  folder.write("quiz.jsonl", R"({"query": "x", "choices": {"text": ["a"], "label": ["A"]}, "answerKey": "A"})"
                             "\n");
  EXPECT_NE(error_of(choice_task(), folder).find("the row has no \"question\""), std::string::npos);
  folder.write("quiz.jsonl",
               R"({"question": "x", "choices": {"text": ["a"], "label": ["A"]}, "answerKey": "E"})"
               "\n");
  EXPECT_NE(error_of(choice_task(), folder).find("answer is \"E\""), std::string::npos);
  folder.write("quiz.jsonl",
               R"({"question": "x", "choices": {"text": "a", "label": ["A"]}, "answerKey": "A"})"
               "\n");
  EXPECT_NE(error_of(choice_task(), folder).find("JSON list"), std::string::npos);
  folder.write("quiz.jsonl", "\n");
  EXPECT_NE(error_of(choice_task(), folder).find("has no rows"), std::string::npos);
  TaskOptions task = choice_task();
  task.data = "missing.jsonl";
  task.published = "a hub";
  EXPECT_NE(error_of(task, folder).find("published as a hub"), std::string::npos);
}

}  // namespace
}  // namespace caravan::data
