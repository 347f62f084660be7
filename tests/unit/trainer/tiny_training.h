// Small models, packed documents and a source of given batches, for tests of the trainer.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "losses/output_head.h"
#include "models/llama/llama.h"
#include "models/llama/random_init.h"
#include "trainer/batch_source.h"
#include "trainer/metrics/metric.h"

namespace caravan::trainer {

inline models::LlamaConfig tiny_config(std::int64_t layers = 4) {
  models::LlamaConfig config;
  config.vocab_size = 97;
  config.hidden_size = 48;
  config.intermediate_size = 80;
  config.num_hidden_layers = layers;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.head_dim = 12;
  config.max_position_embeddings = 512;
  config.initializer_range = 0.2;
  return config;
}

inline models::Llama tiny_model(const models::LlamaConfig& config, at::ScalarType dtype = at::kFloat,
                                const at::Device& device = at::kCPU) {
  models::Llama model(config, dtype, device);
  model.initialize(7);
  model.allocate_gradients(at::kFloat);
  return model;
}

struct Document {
  std::vector<std::int32_t> ids;
  std::vector<bool> trained;  // of each id: is it predicted?
};

// A pure function of its number: the same document wherever it is packed.
inline Document made_document(std::uint32_t number, std::size_t length, std::int32_t vocab_size = 97) {
  Document document;
  for (std::size_t t = 0; t < length; ++t) {
    const std::uint64_t bits = models::mix_bits(number, t);
    document.ids.push_back(static_cast<std::int32_t>(bits % static_cast<std::uint64_t>(vocab_size)));
    document.trained.push_back((bits >> 40) % 3 != 0);
  }
  return document;
}

inline void append(data::MicroBatch& batch, const Document& document, std::uint32_t index) {
  if (batch.doc_starts.empty()) batch.doc_starts.push_back(0);
  const std::size_t length = document.ids.size();
  for (std::size_t t = 0; t < length; ++t) {
    const bool last = t + 1 == length;
    batch.ids.push_back(document.ids[t]);
    batch.targets.push_back(last ? data::MicroBatch::kNoTarget : document.ids[t + 1]);
    batch.weights.push_back(!last && document.trained[t + 1] ? 1.f : 0.f);
    batch.positions.push_back(static_cast<std::int32_t>(t));
  }
  batch.doc_starts.push_back(static_cast<std::int32_t>(batch.ids.size()));
  batch.documents.push_back({0, index + 1});
  batch.document_indices.push_back(index);
}

// Documents 0, 1, ... of these lengths, `groups` naming which share a micro-batch.
inline std::vector<data::MicroBatch> packed(const std::vector<std::size_t>& lengths,
                                            const std::vector<std::vector<std::uint32_t>>& groups) {
  std::vector<data::MicroBatch> batches;
  for (const auto& group : groups) {
    data::MicroBatch& batch = batches.emplace_back();
    for (const std::uint32_t index : group) append(batch, made_document(index, lengths[index]), index);
  }
  return batches;
}

class FixedBatches : public BatchSource {
 public:
  explicit FixedBatches(std::vector<std::vector<data::MicroBatch>> steps) : steps_(std::move(steps)) {}
  std::int64_t num_steps() const override { return static_cast<std::int64_t>(steps_.size()); }
  std::vector<data::MicroBatch> micro_batches(std::int64_t step) override {
    return steps_.at(static_cast<std::size_t>(step));
  }
  double epochs_after(std::int64_t step) const override {
    return static_cast<double>(step + 1) / static_cast<double>(num_steps());
  }
  std::string name_of(const data::SourceLine& where) const override {
    return "rows.jsonl:" + std::to_string(where.line);
  }

 private:
  std::vector<std::vector<data::MicroBatch>> steps_;
};

inline losses::OutputHead head_of(const models::Llama& model) {
  return {model.config().vocab_size, [&](const at::Tensor& hidden) { return model.logits(hidden); },
          [&](const at::Tensor& d_logits, const at::Tensor& hidden) {
            return model.logits_backward(d_logits, hidden);
          }};
}

inline std::map<std::string, at::Tensor> gradients_of(const models::Llama& model) {
  std::map<std::string, at::Tensor> gradients;
  for (const models::FlatUnit& unit : model.units())
    for (const models::Slot& slot : unit.slots()) gradients[slot.name] = unit.gradient(slot).clone();
  return gradients;
}

inline double value_of(const std::vector<MetricValue>& values, const std::string& name) {
  for (const MetricValue& value : values)
    if (value.name == name) return value.value;
  throw std::out_of_range("the step reported no " + name);
}

}  // namespace caravan::trainer
