// A task of evaluation: which items, how they are asked, what counts as right. A task is a file of these
// keys, ours and a user's alike; there is no code behind a name.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// multiple_choice: the choice that the model finds likeliest. perplexity: how likely it finds texts.
// generation: what it writes, judged by verifiers.
enum class TaskKind { kMultipleChoice, kPerplexity, kGeneration };
constexpr std::array<std::string_view, 3> choice_names(TaskKind) {
  return {"multiple_choice", "perplexity", "generation"};
}

// development: looked at while a recipe is tuned. unseen: at release only, so that it stays unseen.
enum class TaskSuite { kDevelopment, kUnseen };
constexpr std::array<std::string_view, 2> choice_names(TaskSuite) {
  return {"development", "unseen"};
}

enum class ShotOrder { kFirst, kRandom };
constexpr std::array<std::string_view, 2> choice_names(ShotOrder) {
  return {"first", "random"};
}

// A solved example that stands in the task file itself, as it is written: no template.
struct ShotOptions {
  std::string prompt = {};
  std::string answer = {};
  bool operator==(const ShotOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("prompt", prompt, {.help = "the question as the prompt writes it", .required = true});
    v.field("answer", answer, {.help = "what follows the delimiter", .required = true});
  }
};

struct FewShotOptions {
  std::int64_t count = 0;
  std::string data = {};
  ShotOrder order = ShotOrder::kFirst;
  std::uint64_t seed = 1234;
  std::string separator = "\n\n";
  std::vector<ShotOptions> examples = {};
  bool operator==(const FewShotOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("count", count, {.help = "solved examples before each question", .min = 0, .max = 1000});
    v.field("data", data,
            {.help = "file of rows they come from, relative as data is; a * stands for what the * of data "
                     "matched"});
    v.field("order", order,
            {.help = "first: the first rows, the same for every item; random: drawn for each item, never the "
                     "item itself"});
    v.field("seed", seed, {.help = "of order random"});
    v.field("separator", separator, {.help = "between examples, and before the question"});
    v.list("examples", examples, {.help = "examples written here instead of rows of data"});
  }
};

// One way to judge completions; each gives a metric.
struct TaskVerifier {
  std::string name = {};
  std::string metric = "acc";
  bool each = false;
  bool operator==(const TaskVerifier&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("name", name, {.help = "as caravan verify --reward", .required = true});
    v.field("metric", metric, {.help = "what its share of right verdicts is called"});
    v.field("each", each,
            {.help = "the lists in the ground truth are taken apart: the share is one of their elements, not "
                     "of items"});
  }
};

struct TaskGeneration {
  std::int64_t max_new_tokens = 512;
  std::int64_t n = 1;
  double temperature = 0.0;
  std::int64_t top_k = 0;
  double top_p = 1.0;
  double min_p = 0.0;
  double repetition_penalty = 1.0;
  std::uint64_t seed = 0;
  std::vector<std::string> stop = {};
  bool operator==(const TaskGeneration&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("max_new_tokens", max_new_tokens,
            {.help = "at most so long an answer", .min = 1, .max = 1 << 20});
    v.field("n", n, {.help = "answers for each item", .min = 1, .max = 10000});
    v.field("temperature", temperature, {.help = "0 is greedy", .min = 0, .max = 1e6});
    v.field("top_k", top_k, {.help = "only the k likeliest tokens; 0: all", .min = 0, .max = 1 << 30});
    v.field(
        "top_p", top_p,
        {.help = "only the likeliest tokens that hold this share", .min = 0, .max = 1, .min_excluded = true});
    v.field("min_p", min_p, {.help = "only tokens so likely relative to the likeliest", .min = 0, .max = 1});
    v.field("repetition_penalty", repetition_penalty,
            {.help = "above 1: tokens that were there become less likely", .min = 1e-6, .max = 1e6});
    v.field("seed", seed, {.help = "of the random numbers"});
    v.field("stop", stop, {.help = "texts that end an answer; they are no part of it"});
  }
};

struct TaskOptions {
  std::int64_t schema = 1;
  std::string name = {};
  TaskKind kind = TaskKind::kGeneration;
  TaskSuite suite = TaskSuite::kDevelopment;
  std::string published = {};
  std::string data = {};
  bool header = true;
  bool chat = false;
  std::string description = {};
  std::string prompt = {};
  std::string delimiter = " ";
  std::string choices = {};
  std::string labels = {};
  std::string answer = {};
  std::string ground_truth = {};
  FewShotOptions few_shot = {};
  std::vector<TaskVerifier> verifiers = {};
  TaskGeneration generation = {};
  bool operator==(const TaskOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("schema", schema, {.help = "version of this format", .required = true, .min = 1, .max = 1});
    v.field("name", name, {.help = "what its metrics begin with", .required = true});
    v.field("kind", kind, {.help = "what is asked of the model", .required = true});
    v.field("suite", suite,
            {.help = "development: looked at while a recipe is tuned; unseen: runs at release only",
             .required = true});
    v.field("published", published, {.help = "where the items are published: told when the file is missing"});
    v.field(
        "data", data,
        {.help = "file or glob of rows, relative to --data, or to a task file of one's own; the text that "
                 "its one * matches is the variable `part`",
         .required = true});
    v.field("header", header,
            {.help = "csv: the first line names the columns; else they are \"1\", \"2\", ..."});
    v.field("chat", chat, {.help = "asked through the model's chat template; examples become turns"});
    v.field("description", description, {.help = "Jinja text before everything; in a chat the system's"});
    v.field("prompt", prompt,
            {.help = "Jinja text over the keys of a row, `row` and `part`", .required = true});
    v.field("delimiter", delimiter, {.help = "between prompt and answer; a chat has none"});
    v.field("choices", choices, {.help = "multiple_choice: Jinja text that gives a JSON list of texts"});
    v.field("labels", labels,
            {.help = "multiple_choice: Jinja text that gives a JSON list, in which answer is looked up; "
                     "absent: answer is the number of the choice, from 0"});
    v.field("answer", answer,
            {.help = "Jinja text: which choice is right; generation: what an example's answer is"});
    v.field("ground_truth", ground_truth,
            {.help = "generation: Jinja text of what the verifier compares with; a JSON object or list is "
                     "taken as such"});
    v.section("few_shot", few_shot, {.help = "solved examples before the question"});
    v.list("verifiers", verifiers, {.help = "generation: who judges; the first one's verdict is kept"});
    v.section("generation", generation, {.help = "generation: how answers are sampled"});
  }
};

}  // namespace caravan::data
