#include "trainer/evaluation/loss_evaluator.h"

#include <ATen/ATen.h>

#include <cmath>

#include "trainer/batch_tensors.h"

namespace caravan::trainer {

std::vector<MetricValue> evaluate_loss(Trainer& trainer, const models::Llama& model,
                                       const Objective& objective, BatchSource& source) {
  double sum = 0.0, count = 0.0, documents = 0.0, tokens = 0.0;
  for (std::int64_t step = 0; step < source.num_steps(); ++step) {
    for (const data::MicroBatch& batch : source.micro_batches(step)) {
      const at::Tensor hidden_TD = trainer.pass().evaluate(model_input(batch, model.device()));
      const ObjectiveResult result = objective.loss(hidden_TD, trainer.head(), batch, nullptr);
      sum += result.terms.loss.sum.item<double>();
      count += result.terms.loss.count;
      documents += static_cast<double>(batch.documents.size());
      tokens += static_cast<double>(batch.num_tokens());
    }
  }
  return {{"eval/loss", sum / count},
          {"eval/perplexity", std::exp(sum / count)},
          {"eval/documents", documents},
          {"eval/tokens", tokens}};
}

}  // namespace caravan::trainer
