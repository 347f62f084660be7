#include "trainer/reference/reference_pass.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>

#include "data/loader/pack.h"
#include "trainer/batch_tensors.h"
#include "trainer/distributed/gather_terms.h"
#include "trainer/objectives/answers.h"

namespace caravan::trainer {

std::vector<std::vector<float>> ReferencePass::log_probs(const std::vector<data::MicroBatch>& batches,
                                                         const std::function<bool()>& give_up) {
  ProcessGroup& group = units_.group();
  models::Llama& model = units_.model();
  std::vector<std::int64_t> starts{0};
  for (const data::MicroBatch& batch : batches) starts.push_back(starts.back() + batch.num_tokens());
  // Every rank fills in its own; adding zeros changes nothing.
  const at::Tensor all =
      at::zeros({starts.back()}, at::TensorOptions().dtype(at::kFloat).device(model.device()));
  for (std::int64_t round = 0; round < num_rounds(batches.size(), group); ++round) {
    if (give_up && give_up()) return {};
    const auto index = static_cast<std::size_t>(round * group.size() + group.rank());
    if (index >= batches.size()) {
      pass_.stand_by_evaluation();
      continue;
    }
    const at::Tensor hidden_TD = pass_.evaluate(model_input(batches[index], model.device()));
    all.narrow(0, starts[index], batches[index].num_tokens())
        .copy_(trained_log_probs(hidden_TD, output_head(model), batches[index]));
    group.note_progress();
  }
  if (all.numel() > 0) group.all_reduce(all, Reduce::kSum, "log-probabilities of the reference").wait();
  const at::Tensor here = all.to(at::kCPU);
  std::vector<std::vector<float>> values;
  for (std::size_t i = 0; i < batches.size(); ++i)
    values.emplace_back(here.data_ptr<float>() + starts[i], here.data_ptr<float>() + starts[i + 1]);
  return values;
}

std::vector<std::vector<float>> ReferencePass::of_documents(const data::TrainingData& data,
                                                            std::uint32_t begin, std::uint32_t end,
                                                            std::int64_t micro_tokens,
                                                            const std::function<bool()>& give_up) {
  std::vector<std::uint32_t> lengths;
  for (std::uint32_t document = begin; document < end; ++document)
    lengths.push_back(data.sizes()[document].tokens);
  std::vector<data::MicroBatch> batches;
  for (std::vector<std::uint32_t>& group : data::pack_best_fit(lengths, micro_tokens)) {
    for (std::uint32_t& document : group) document += begin;
    batches.push_back(data.micro_batch(group));
  }
  const std::vector<std::vector<float>> packed = log_probs(batches, give_up);
  if (packed.empty()) return {};
  std::vector<std::vector<float>> values(end - begin);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const data::MicroBatch& batch = batches[i];
    for (std::size_t d = 0; d < batch.document_indices.size(); ++d)
      for (auto t = static_cast<std::size_t>(batch.doc_starts[d]);
           t < static_cast<std::size_t>(batch.doc_starts[d + 1]); ++t)
        if (batch.weights[t] != 0.f) values[batch.document_indices[d] - begin].push_back(packed[i][t]);
  }
  return values;
}

}  // namespace caravan::trainer
