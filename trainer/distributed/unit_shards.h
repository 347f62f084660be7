// What this rank holds of a model's units, and when the rest comes and goes (arXiv 1910.02054).
//
// Every unit's buffer is cut into R equal parts in the order of ranks. Stage 0: all of it on all ranks.
// 1: the optimizer works on the own part. 2: and gradients are kept as the own part. 3: and values. What is
// whole is whole for everybody who looks at the unit; between calls of need_ and release_ nothing is
// promised.
//
// Sums. In a fixed order (`ordered`), the gradient of a step is one left fold over its micro-batches in their
// global order, whoever computed them: the result has the same bits for any number of ranks, and for every
// stage. It costs a scratch buffer for two units and a pass over the gradients for each micro-batch. Without,
// every rank adds up its own micro-batches first, inside the products.
//
// Every rank makes the same calls in the same order; all of them are collective where parts travel.
#pragma once

#include <deque>
#include <vector>

#include "models/llama/llama.h"
#include "trainer/distributed/process_group.h"

namespace caravan::trainer {

struct ShardOptions {
  std::int64_t stage = 0;
  bool ordered = false;
  // Every step has one micro-batch in all: there is nothing to add, and gradients are computed in place.
  bool single_micro_batch = false;
  at::ScalarType gradient_dtype = at::kFloat;
};

class UnitShards {
 public:
  // The model's buffers must divide by kShardMultiple * R; at stage 3 they have no memory yet (memory_of).
  // Makes the gradient buffers. Both must outlive this.
  UnitShards(models::Llama& model, ProcessGroup& group, const ShardOptions& options);
  // Of a model that stays as it is: no gradients, and its values cut only at stage 3. As above else.
  UnitShards(models::Llama& frozen, ProcessGroup& group, std::int64_t stage);
  // One rank, everything whole; gradients as the model has them, none where it is frozen.
  explicit UnitShards(models::Llama& model);

  static constexpr std::int64_t kShardMultiple = 1024;  // elements
  static models::UnitMemory memory_of(std::int64_t stage, int ranks);

  models::Llama& model() { return model_; }
  const models::Llama& model() const { return model_; }
  ProcessGroup& group() { return *group_; }
  const ShardOptions& options() const { return options_; }
  std::size_t num_units() const { return parts_.size(); }

  // ---- The walk of a micro-batch. Values: whole from need_ (which waits for them) to release_; prefetch_
  // sends for them early, and a need_ must follow.
  void prefetch_values(std::size_t unit);
  void need_values(std::size_t unit);
  void release_values(std::size_t unit);
  // Gradients of the unit are added to a buffer from here until gradients_done.
  void need_gradients(std::size_t unit);
  void gradients_done(std::size_t unit);
  // Waits until no more than so many elements are on the way to the sum; each of them takes memory twice.
  // While a block computes, those of one other block may be.
  void settle_gradients(std::int64_t elements = 0);

  // ---- The end of a step.
  // After its last micro-batch: afterwards own_gradients is the sum over all ranks.
  void finish_gradients();
  // What the optimizer updates: elements [begin, end) of the unit's buffer.
  struct Range {
    std::int64_t begin = 0, end = 0;
  };
  Range own_range(std::size_t unit) const;
  // Views of the buffers, [end - begin]: in the dtype of the values, and in gradient_dtype.
  at::Tensor own_values(std::size_t unit) const;
  at::Tensor own_gradients(std::size_t unit) const;
  // The own values were updated: begins to bring them to all ranks.
  void values_changed(std::size_t unit);

  // ---- Outside of steps.
  // Fills the unit on every rank, each all of it, and keeps the own part.
  template <class Fill>
  void fill(std::size_t unit, Fill&& fill) {
    begin_fill(unit);
    fill(unit);
    end_fill(unit);
  }

 private:
  struct Part {
    at::Tensor own_values;                       // [P / R]; from stage 1 on
    at::Tensor own_gradients;                    // what is summed: [P] at stage 0, else [P / R]
    at::Tensor values_memory, gradients_memory;  // [P]; while the unit has them
    Pending gather;
  };
  bool values_sharded() const { return options_.stage >= 3; }
  // Gradients go from a buffer of the micro-batch into the sum.
  bool uses_scratch() const;
  Range part_of(std::size_t unit, int rank) const;
  void begin_fill(std::size_t unit);
  void end_fill(std::size_t unit);
  models::FlatUnit& at(std::size_t unit) { return model_.units()[unit]; }
  const models::FlatUnit& at(std::size_t unit) const { return model_.units()[unit]; }

  models::Llama& model_;
  std::unique_ptr<ProcessGroup> alone_;
  ProcessGroup* group_;
  ShardOptions options_;
  std::vector<Part> parts_;
  std::deque<std::pair<Pending, std::int64_t>> reductions_;  // and how many elements
  std::int64_t elements_on_the_way_ = 0, largest_block_ = 0;
};

}  // namespace caravan::trainer
