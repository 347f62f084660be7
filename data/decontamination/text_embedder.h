// What turns texts into vectors: declared here, fulfilled where models live (mean-pooled hidden states of a
// checkpoint) or by an endpoint.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

class TextEmbedder {
 public:
  virtual ~TextEmbedder() = default;
  // For reports: the model and whatever else fixes the vectors.
  virtual std::string name() const = 0;
  virtual std::size_t num_dimensions() const = 0;
  // Writes one vector per text, texts.size() * num_dimensions() numbers, of any length but zero. Thread safe,
  // and the same text always gives the same vector, whatever stands beside it.
  virtual void embed(std::span<const std::string_view> texts, std::span<float> vectors) const = 0;
};

}  // namespace caravan::data
