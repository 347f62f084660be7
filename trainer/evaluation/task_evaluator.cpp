#include "trainer/evaluation/task_evaluator.h"

#include <numeric>

#include "trainer/error.h"
#include "trainer/evaluation/sample_rows.h"
#include "trainer/evaluation/sequence_scorer.h"

namespace caravan::trainer {
namespace {

using data::Json;

// Passes between two times that samples are put on the disk.
constexpr std::int64_t kPassesKept = 8;

double sum_of(const std::vector<float>& log_probs) {
  return std::accumulate(log_probs.begin(), log_probs.end(), 0.0);
}

}  // namespace

// An item on its way through the scorer.
struct TaskEvaluator::Asked {
  std::size_t index = 0;
  Json row;  // its sample so far
  std::vector<data::ScoredIds> requests;
};

TaskEvaluator::TaskEvaluator(UnitShards& units, const data::ItemTokens& tokens,
                             std::vector<std::int64_t> stop_ids, const EvaluatorOptions& options)
    : units_(units), tokens_(tokens), stop_ids_(std::move(stop_ids)), options_(options) {}

std::size_t TaskEvaluator::longest() const {
  return static_cast<std::size_t>(units_.model().config().max_position_embeddings);
}

TaskResult TaskEvaluator::run(const data::TaskOptions& task, const std::vector<data::TaskItem>& items,
                              SampleStore& store, const Progress& progress) {
  const Progress tell = [&](std::int64_t done, std::int64_t all) {
    if (!progress || !progress(done, all)) return false;
    store.sync();
    throw Error(Error::Kind::kStopped, "evaluation stopped by request with " + std::to_string(done) + " of " +
                                           std::to_string(all) + " samples of " + task.name +
                                           "; the same command goes on from there");
  };
  switch (task.kind) {
    case data::TaskKind::kMultipleChoice:
      score_choices(items, store, tell);
      break;
    case data::TaskKind::kPerplexity:
      score_texts(items, store, tell);
      break;
    case data::TaskKind::kGeneration:
      generate(task, items, store, tell);
      break;
  }
  store.finish();
  return task_result(task, store.rows());
}

void TaskEvaluator::score_all(
    std::size_t num_items, SampleStore& store, const Progress& progress,
    const std::function<Asked(std::size_t)>& ask,
    const std::function<Json(const Asked&, const std::vector<std::vector<float>>&)>& sample) {
  SequenceScorer scorer(units_, options_.batch_tokens);
  std::vector<Asked> asked;
  std::int64_t tokens = 0;
  const auto flush = [&] {
    std::vector<data::ScoredIds> requests;
    for (Asked& one : asked)
      for (data::ScoredIds& request : one.requests) requests.push_back(std::move(request));
    const std::vector<std::vector<float>> found = scorer.score(requests);
    auto next = found.begin();
    for (Asked& one : asked) {
      const auto end = next + std::ssize(one.requests);
      store.add(one.row.contains("left_out") ? one.row : sample(one, {next, end}));
      next = end;
    }
    store.sync();
    asked.clear();
    tokens = 0;
  };
  for (std::size_t index = 0; index < num_items; ++index) {
    if (store.has(static_cast<std::int64_t>(index), 0)) continue;
    asked.push_back(ask(index));
    for (const data::ScoredIds& request : asked.back().requests) tokens += std::ssize(request.ids);
    if (tokens < options_.batch_tokens * kPassesKept) continue;
    flush();
    progress(static_cast<std::int64_t>(index) + 1, static_cast<std::int64_t>(num_items));
  }
  flush();
}

void TaskEvaluator::score_choices(const std::vector<data::TaskItem>& items, SampleStore& store,
                                  const Progress& progress) {
  const auto ask = [&](std::size_t index) {
    const data::TaskItem& item = items[index];
    Asked asked{index, sample_head(item, index, 0), {}};
    asked.row["prompt"] = tokens_.prompt_text(item);
    asked.row["choices"] = item.bare_choices;
    asked.row["gold"] = item.gold;
    if (!item.left_out.empty()) asked.row["left_out"] = item.left_out;
    for (std::size_t i = 0; i < item.choices.size() && item.left_out.empty(); ++i) {
      asked.requests.push_back(tokens_.choice(item, i));
      if (asked.requests.back().ids.size() > longest() + 1) asked.row["left_out"] = "too_long";
    }
    if (asked.row.contains("left_out")) asked.requests.clear();
    return asked;
  };
  score_all(items.size(), store, progress, ask,
            [&](const Asked& asked, const std::vector<std::vector<float>>& found) {
              std::vector<double> log_probs;
              for (const std::vector<float>& choice : found) log_probs.push_back(sum_of(choice));
              Json row = asked.row;
              row["log_probs"] = log_probs;
              row["values"] = choice_values(items[asked.index], log_probs);
              return row;
            });
}

void TaskEvaluator::score_texts(const std::vector<data::TaskItem>& items, SampleStore& store,
                                const Progress& progress) {
  const auto ask = [&](std::size_t index) {
    Asked asked{index, sample_head(items[index], index, 0), {}};
    if (items[index].left_out.empty())
      asked.requests = tokens_.windows(items[index].context, longest());
    else
      asked.row["left_out"] = items[index].left_out;
    return asked;
  };
  score_all(items.size(), store, progress, ask,
            [&](const Asked& asked, const std::vector<std::vector<float>>& found) {
              double log_prob = 0.0;
              std::size_t tokens = 0;
              for (const std::vector<float>& window : found) {
                log_prob += sum_of(window);
                tokens += window.size();
              }
              Json row = asked.row;
              row["log_prob"] = log_prob;
              row["values"] = text_values(items[asked.index].context, log_prob, tokens);
              return row;
            });
}

}  // namespace caravan::trainer
