// What a frozen reference gives each trained token of each document, whoever computed it.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace caravan::trainer {

class ReferenceValues {
 public:
  virtual ~ReferenceValues() = default;
  // Log-probabilities of the document's trained tokens in their order, a pair's chosen side first. Safe to
  // call from several threads.
  virtual std::span<const float> of(std::uint32_t document) const = 0;
};

// In memory: of rows that are few.
class ReferenceTable : public ReferenceValues {
 public:
  explicit ReferenceTable(std::vector<std::vector<float>> values) : values_(std::move(values)) {}
  std::span<const float> of(std::uint32_t document) const override { return values_.at(document); }

 private:
  std::vector<std::vector<float>> values_;
};

}  // namespace caravan::trainer
