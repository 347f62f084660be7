#include "trainer/evaluation/loss_evaluator.h"

#include <ATen/ATen.h>

#include <cmath>
#include <map>
#include <optional>

#include "trainer/ask_model.h"
#include "trainer/batch_tensors.h"
#include "trainer/distributed/gather_terms.h"
#include "trainer/metrics/meter.h"

namespace caravan::trainer {

std::vector<MetricValue> evaluate_loss(
    Trainer& trainer, const Objective& objective, BatchSource& source,
    const std::function<bool(std::int64_t done, std::int64_t all)>& give_up) {
  ProcessGroup& group = trainer.units().group();
  const auto ranks = static_cast<std::size_t>(group.size()), rank = static_cast<std::size_t>(group.rank());
  std::map<std::size_t, losses::LossTerms> own_terms;
  std::optional<data::MicroBatch> own;
  std::size_t batches = 0;
  double documents = 0.0, tokens = 0.0;
  const auto round = [&](std::size_t index) {
    if (own) {
      const at::Tensor hidden_TD =
          trainer.pass().evaluate(model_input(*own, trainer.units().model().device()));
      own_terms[index] = objective.loss(hidden_TD, trainer.head(), *own, nullptr).terms;
    } else {
      trainer.pass().stand_by_evaluation();
    }
    own.reset();
    group.note_progress();
  };
  const auto take = [&](data::MicroBatch& batch) {
    documents += static_cast<double>(batch.documents.size());
    tokens += static_cast<double>(batch.num_tokens());
    if (batches % ranks == rank) own = std::move(batch);
    if (++batches % ranks == 0) round(batches - ranks + rank);
  };
  // What compares examples across a step compares all held-out rows with each other.
  std::vector<data::MicroBatch> whole;
  for (std::int64_t step = 0; step < source.num_steps(); ++step) {
    if (give_up && give_up(step, source.num_steps())) return {};
    for (data::MicroBatch& batch : source.micro_batches(step))
      objective.prepares() ? whole.push_back(std::move(batch)) : take(batch);
  }
  if (!whole.empty()) {
    objective.prepare(whole, ask_model(trainer.units(), trainer.pass()));
    for (data::MicroBatch& batch : whole) take(batch);
  }
  if (batches % ranks != 0) round(batches / ranks * ranks + rank);
  double sum = 0.0, count = 0.0;
  Meter meter;
  for (const BatchTerms& terms : gather_terms(group, own_terms, batches, "evaluation losses")) {
    sum += terms.loss.sum;
    count += terms.loss.count;
    for (const auto& [name, ratio] : terms.metrics)
      if (!objective.is_cross_entropy()) meter.add_mean("eval/" + name, ratio.sum, ratio.count);
  }
  std::vector<MetricValue> values{{"eval/loss", sum / count}};
  if (objective.is_cross_entropy()) values.push_back({"eval/perplexity", std::exp(sum / count)});
  for (MetricValue& value : meter.finish()) values.push_back(std::move(value));
  values.push_back({"eval/documents", documents});
  values.push_back({"eval/tokens", tokens});
  return values;
}

}  // namespace caravan::trainer
