// The plan of a run: which documents each step takes, known as a whole before the first step.
//
// Goals: a pure function of the documents and PlanOptions, so any (step, index) can be asked at any time and
// a resumed run skips nothing; exact counts of steps, tokens and trained tokens beforehand. Non-goals:
// reading tokens (TrainingData does), ranks (the trainer deals one step's micro-batches to ranks).
//
// A step takes documents in the order of the epoch: with `sequences`, that many; with `tokens`, until the
// next document would exceed the budget (a document longer than the budget is refused). The documents of a
// step are then packed into micro-batches by best fit. Steps never cross an epoch: the last step of an epoch
// may be partial and is kept, so every document is seen exactly once per epoch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/loader/batch_options.h"

namespace caravan::data {

// Exactly one of epochs / max_steps is set.
struct PlanOptions {
  BatchOptions batch;
  std::optional<std::int64_t> epochs;  // passes over the data
  std::optional<std::int64_t>
      max_steps;  // as many epochs as these steps need; the last one may stay unfinished
  std::optional<std::int64_t>
      max_documents;  // only the first documents of the sources, for evaluation; absent: all
  std::uint64_t seed = 0;
  bool shuffle = true;  // false: documents in the order of the sources, the same in each epoch
};

// What is known of a step before it runs.
struct StepInfo {
  std::int64_t epoch = 0;           // counts from 0
  std::int64_t sequences = 0;       // documents
  std::int64_t tokens = 0;          // all tokens
  std::int64_t trained_tokens = 0;  // sum of the weights: positions with a trained target
};

// What the plan needs to know of a document.
struct DocumentSize {
  std::uint32_t tokens = 0;
  std::uint32_t trained_tokens = 0;  // positions with a trained target
};

class BatchPlan {
 public:
  // Documents (indices) of an epoch in training order; a pure function, called again whenever an epoch is
  // revisited.
  using EpochOrder = std::function<std::vector<std::uint32_t>(std::int64_t epoch)>;

  // Throws data::Error for options that are not as PlanOptions says, for a document longer than micro_tokens
  // or tokens, or for no documents. `sizes` is kept by reference and must outlive the plan; `name_of` prints
  // a document for messages.
  BatchPlan(const PlanOptions& options, std::span<const DocumentSize> sizes, EpochOrder order,
            const std::function<std::string(std::uint32_t)>& name_of);
  ~BatchPlan();
  BatchPlan(BatchPlan&&) noexcept;
  BatchPlan& operator=(BatchPlan&&) noexcept;

  std::int64_t num_steps() const;
  std::int64_t num_tokens() const;          // over all steps
  std::int64_t num_trained_tokens() const;  // over all steps
  StepInfo step(std::int64_t step) const;   // steps count from 0; throws std::out_of_range
  // Share of the run's documents seen after `step`, in epochs: 1.5 is the middle of the second one.
  double epochs_after(std::int64_t step) const;

  // The micro-batches of a step, each a list of document indices. Safe to call from several threads;
  // consecutive calls for steps of one epoch are cheap.
  std::vector<std::vector<std::uint32_t>> micro_batches(std::int64_t step) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace caravan::data
