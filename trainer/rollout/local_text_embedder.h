// A checkpoint of one's own as a TextEmbedder: a text's vector is the mean of the model's last hidden states
// over its tokens, made unit length.
//
// Promise: a vector depends on the text and the model alone, on the CPU to the bit, whatever is packed beside
// it. Non-goals: which device, which weights (the caller's); what all vectors of a model have in common
// (data/decontamination/common_directions.h).
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "data/decontamination/text_embedder.h"
#include "data/tokenizers/tokenizer.h"
#include "trainer/segmented_pass.h"

namespace caravan::trainer {

struct LocalEmbedderOptions {
  std::string name;                   // for reports and saved vectors: of weights, tokenizer and dtype
  std::int64_t window_tokens = 1024;  // a longer text is read in windows, each on its own; all are pooled
  std::int64_t batch_tokens = 4096;   // packed into one pass
};

class LocalTextEmbedder : public data::TextEmbedder {
 public:
  // Both outlive this. Throws Error (data) where the tokenizer has ids that the model has not.
  LocalTextEmbedder(models::Llama& model, const data::Tokenizer& tokenizer, LocalEmbedderOptions options);

  std::string name() const override { return options_.name; }
  std::size_t num_dimensions() const override { return width_; }
  // One call at a time computes; others wait. Throws data::Error for a text that cannot be encoded.
  void embed(std::span<const std::string_view> texts, std::span<float> vectors) const override;

 private:
  // Tokens that are read together: those of the text begin at `first`, behind what frames any text.
  struct Window {
    std::size_t text = 0;
    std::vector<std::int32_t> ids;
    std::size_t first = 0;
  };
  void add_windows(std::string_view text, std::size_t number, std::vector<Window>& windows) const;
  // Adds the states of the texts' tokens to `sums`, width_ numbers for each text.
  void add_states(std::span<const Window> batch, std::span<double> sums) const;

  models::Llama& model_;
  const data::Tokenizer& tokenizer_;
  LocalEmbedderOptions options_;
  std::size_t width_;
  mutable std::mutex one_at_a_time_;
  mutable UnitShards units_;
};

}  // namespace caravan::trainer
