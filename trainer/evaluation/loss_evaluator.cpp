#include "trainer/evaluation/loss_evaluator.h"

#include <ATen/ATen.h>

#include <cmath>

#include "trainer/batch_tensors.h"
#include "trainer/distributed/batch_totals.h"

namespace caravan::trainer {

std::vector<MetricValue> evaluate_loss(Trainer& trainer, const models::Llama& model,
                                       const Objective& objective, BatchSource& source) {
  double sum = 0.0, count = 0.0, documents = 0.0, tokens = 0.0;
  for (std::int64_t step = 0; step < source.num_steps(); ++step) {
    const std::vector<data::MicroBatch> batches = source.micro_batches(step);
    BatchTotals sums(batches.size(), 2);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      documents += static_cast<double>(batches[i].documents.size());
      tokens += static_cast<double>(batches[i].num_tokens());
      if (!is_dealt_to(trainer.group(), i)) continue;
      const at::Tensor hidden_TD = trainer.pass().evaluate(model_input(batches[i], model.device()));
      const ObjectiveResult result = objective.loss(hidden_TD, trainer.head(), batches[i], nullptr);
      sums.at(i, 0) = result.terms.loss.sum.item<double>();
      sums.at(i, 1) = result.terms.loss.count;
      trainer.group().note_progress();
    }
    const std::vector<double> totals = sums.sum(trainer.group(), "evaluation");
    sum += totals[0];
    count += totals[1];
  }
  return {{"eval/loss", sum / count},
          {"eval/perplexity", std::exp(sum / count)},
          {"eval/documents", documents},
          {"eval/tokens", tokens}};
}

}  // namespace caravan::trainer
