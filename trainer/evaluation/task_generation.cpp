// Generation tasks of TaskEvaluator: prompts in, judged answers out.
#include "trainer/evaluation/sample_rows.h"
#include "trainer/evaluation/task_evaluator.h"
#include "trainer/rollout/answer_run.h"

namespace caravan::trainer {
namespace {

using data::Json;

models::SamplingOptions sampling_of(const data::TaskGeneration& options) {
  models::SamplingOptions sampling;
  sampling.temperature = options.temperature;
  sampling.repetition_penalty = options.repetition_penalty;
  if (options.temperature > 0.0) {
    sampling.top_k = options.top_k;
    sampling.top_p = options.top_p;
    sampling.min_p = options.min_p;
  }
  return sampling;
}

// The items of a task as questions.
class TaskQuestions final : public Questions {
 public:
  TaskQuestions(const data::TaskOptions& task, const std::vector<data::TaskItem>& items,
                const data::ItemTokens& tokens)
      : items_(items), tokens_(tokens), judges_(task) {}

  std::size_t size() const override { return items_.size(); }
  Json head(std::size_t number, std::int64_t sample) const override {
    const data::TaskItem& item = items_[number];
    Json row = sample_head(item, number, sample);
    row["prompt"] = tokens_.prompt_text(item);
    if (!item.left_out.empty()) row["left_out"] = item.left_out;
    return row;
  }
  std::vector<std::int32_t> prompt(std::size_t number) const override {
    return tokens_.prompt(items_[number]);
  }
  void judge(std::size_t number, Json& row) const override {
    judges_.judge(row.at("completion").get<std::string>(), items_[number].ground_truth, row);
  }

 private:
  const std::vector<data::TaskItem>& items_;
  const data::ItemTokens& tokens_;
  TaskJudges judges_;
};

}  // namespace

void TaskEvaluator::generate(const data::TaskOptions& task, const std::vector<data::TaskItem>& items,
                             SampleStore& store, const Progress& progress) {
  const data::TaskGeneration& asked = task.generation;
  const TaskQuestions questions(task, items, tokens_);
  answer_questions(units_, tokens_.tokenizer(), questions,
                   {.per_prompt = asked.n,
                    .max_new_tokens = asked.max_new_tokens,
                    .sampling = sampling_of(asked),
                    .stop = asked.stop,
                    .key = asked.seed ^ seed_of(task.name),
                    .batch_size = options_.batch_size,
                    .stop_ids = stop_ids_},
                   store, progress);
}

}  // namespace caravan::trainer
