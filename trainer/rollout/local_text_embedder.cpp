#include "trainer/rollout/local_text_embedder.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "models/device.h"
#include "trainer/error.h"

namespace caravan::trainer {

LocalTextEmbedder::LocalTextEmbedder(models::Llama& model, const data::Tokenizer& tokenizer,
                                     LocalEmbedderOptions options)
    : model_(model),
      tokenizer_(tokenizer),
      options_(std::move(options)),
      width_(static_cast<std::size_t>(model.config().hidden_size)),
      units_(model) {
  if (tokenizer.vocab_size() > model.config().vocab_size)
    throw Error(Error::Kind::kData, options_.name + ": the tokenizer has " +
                                        std::to_string(tokenizer.vocab_size()) + " ids and the model " +
                                        std::to_string(model.config().vocab_size) +
                                        "; take the tokenizer that belongs to the checkpoint");
  options_.window_tokens = std::min(options_.window_tokens, model.config().max_position_embeddings);
}

void LocalTextEmbedder::add_windows(std::string_view text, std::size_t number,
                                    std::vector<Window>& windows) const {
  std::vector<std::int32_t> ids;
  tokenizer_.encode(text, {}, ids);
  // Blanks alone may have no token at all; a text has a vector all the same.
  if (ids.empty()) ids.push_back(0);
  const std::vector<std::int32_t>& before = tokenizer_.framing().before;
  const auto room =
      static_cast<std::size_t>(std::max<std::int64_t>(options_.window_tokens - std::ssize(before), 1));
  for (std::size_t begin = 0; begin < ids.size(); begin += room) {
    Window& window = windows.emplace_back(Window{number, before, before.size()});
    const auto part = std::span(ids).subspan(begin, std::min(room, ids.size() - begin));
    window.ids.insert(window.ids.end(), part.begin(), part.end());
  }
}

void LocalTextEmbedder::add_states(std::span<const Window> batch, std::span<double> sums) const {
  ModelInput input;
  std::vector<std::int64_t> ids;
  input.layout.doc_starts.push_back(0);
  for (const Window& window : batch) {
    for (std::size_t i = 0; i < window.ids.size(); ++i)
      input.layout.positions.push_back(static_cast<std::int32_t>(i));
    ids.insert(ids.end(), window.ids.begin(), window.ids.end());
    input.layout.doc_starts.push_back(static_cast<std::int32_t>(ids.size()));
  }
  input.ids_T = models::device_copy<std::int64_t>(ids, model_.device());
  const at::Tensor hidden_TD = SegmentedPass(units_, 0).evaluate(input).to(at::kCPU, at::kFloat).contiguous();
  const float* row = hidden_TD.const_data_ptr<float>();
  for (const Window& window : batch) {
    const std::span<double> sum = sums.subspan(window.text * width_, width_);
    row += window.first * width_;
    for (std::size_t i = window.first; i < window.ids.size(); ++i, row += width_)
      for (std::size_t k = 0; k < width_; ++k) sum[k] += static_cast<double>(row[k]);
  }
}

void LocalTextEmbedder::embed(std::span<const std::string_view> texts, std::span<float> vectors) const {
  const std::scoped_lock lock(one_at_a_time_);
  std::vector<double> sums(texts.size() * width_, 0.0);
  std::vector<Window> windows;
  for (std::size_t i = 0; i < texts.size(); ++i) add_windows(texts[i], i, windows);
  for (std::size_t first = 0, end = 0; first < windows.size(); first = end) {
    std::int64_t tokens = 0;
    while (end < windows.size() &&
           (end == first || tokens + std::ssize(windows[end].ids) <= options_.batch_tokens))
      tokens += std::ssize(windows[end++].ids);
    add_states(std::span(windows).subspan(first, end - first), sums);
  }
  // A sum and a mean point the same way.
  for (std::size_t i = 0; i < texts.size(); ++i) {
    double squares = 0.0;
    for (std::size_t k = 0; k < width_; ++k) squares += sums[i * width_ + k] * sums[i * width_ + k];
    for (std::size_t k = 0; k < width_; ++k)
      vectors[i * width_ + k] = static_cast<float>(sums[i * width_ + k] / std::sqrt(squares));
  }
}

}  // namespace caravan::trainer
