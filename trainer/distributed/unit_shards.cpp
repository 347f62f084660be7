#include "trainer/distributed/unit_shards.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

namespace caravan::trainer {

models::UnitMemory UnitShards::memory_of(std::int64_t stage, int ranks) {
  return {.whole = stage < 3 || ranks == 1, .multiple = kShardMultiple * ranks};
}

UnitShards::UnitShards(models::Llama& model, ProcessGroup& group, const ShardOptions& options)
    : model_(model), group_(&group), options_(options), parts_(model.units().size()) {
  // One rank holds everything, whatever the stage.
  if (group.size() == 1) options_.stage = 0;
  model_.allocate_gradients(options_.gradient_dtype, false);
  for (std::size_t unit = 1; unit + 1 < num_units(); ++unit)
    largest_block_ = std::max(largest_block_, at(unit).size());
  for (std::size_t unit = 0; unit < num_units(); ++unit) {
    Part& part = parts_[unit];
    const std::int64_t size = at(unit).size(), own = part_of(unit, 0).end;
    TORCH_CHECK(size % (kShardMultiple * group.size()) == 0, "unit ", at(unit).name(), " has ", size,
                " elements, which do not divide among ", group.size(), " ranks");
    const auto gradients = at(unit).values().options().dtype(options_.gradient_dtype);
    part.own_gradients = at::zeros({options_.stage == 0 ? size : own}, gradients);
    if (!uses_scratch()) {
      part.gradients_memory = options_.stage == 0 ? part.own_gradients : at::zeros({size}, gradients);
      at(unit).attach_gradients(part.gradients_memory);
    }
    if (values_sharded())
      part.own_values = at::zeros({own}, at(unit).values().options());
    else if (options_.stage > 0)
      part.own_values = at(unit).values().narrow(0, own_range(unit).begin, own);
  }
}

UnitShards::UnitShards(models::Llama& frozen, ProcessGroup& group, std::int64_t stage)
    : model_(frozen), group_(&group), parts_(frozen.units().size()) {
  options_.stage = group.size() > 1 && stage >= 3 ? stage : 0;
  for (std::size_t unit = 0; unit < num_units() && values_sharded(); ++unit)
    parts_[unit].own_values = at::zeros({part_of(unit, 0).end}, at(unit).values().options());
}

UnitShards::UnitShards(models::Llama& model)
    : model_(model), alone_(make_single_group()), group_(alone_.get()), parts_(model.units().size()) {
  for (std::size_t unit = 0; unit < num_units(); ++unit) {
    parts_[unit].own_gradients = parts_[unit].gradients_memory = at(unit).gradients();
  }
}

bool UnitShards::uses_scratch() const {
  return options_.stage >= 2 || (options_.ordered && !options_.single_micro_batch);
}

UnitShards::Range UnitShards::part_of(std::size_t unit, int rank) const {
  const std::int64_t own = at(unit).size() / group_->size();
  return {own * rank, own * (rank + 1)};
}

UnitShards::Range UnitShards::own_range(std::size_t unit) const {
  return options_.stage == 0 ? Range{0, at(unit).size()} : part_of(unit, group_->rank());
}

at::Tensor UnitShards::own_values(std::size_t unit) const {
  return options_.stage == 0 ? at(unit).values() : parts_[unit].own_values;
}

at::Tensor UnitShards::own_gradients(std::size_t unit) const {
  return parts_[unit].own_gradients;
}

void UnitShards::prefetch_values(std::size_t unit) {
  Part& part = parts_[unit];
  if (!values_sharded() || part.values_memory.defined()) return;
  part.values_memory = at::empty(at(unit).values().sizes(), at(unit).values().options());
  part.gather = group_->all_gather(part.values_memory, part.own_values, "values " + at(unit).name());
}

void UnitShards::need_values(std::size_t unit) {
  prefetch_values(unit);
  parts_[unit].gather.wait();
  if (values_sharded() && !at(unit).has_values()) at(unit).attach_values(parts_[unit].values_memory);
}

void UnitShards::release_values(std::size_t unit) {
  if (!values_sharded()) return;
  parts_[unit].gather.wait();
  at(unit).release_values();
  parts_[unit].values_memory.reset();
}

void UnitShards::need_gradients(std::size_t unit) {
  Part& part = parts_[unit];
  if (!uses_scratch() || part.gradients_memory.defined()) return;
  settle_gradients(largest_block_);
  part.gradients_memory = at::zeros(at(unit).gradients().sizes(), at(unit).gradients().options());
  at(unit).attach_gradients(part.gradients_memory);
}

void UnitShards::gradients_done(std::size_t unit) {
  if (!uses_scratch()) return;
  Part& part = parts_[unit];
  at(unit).release_gradients();
  const at::Tensor whole = std::exchange(part.gradients_memory, at::Tensor());
  at::Tensor own = part.own_gradients;
  if (options_.stage == 0) {
    const Range range = part_of(unit, group_->rank());
    own = own.narrow(0, range.begin, range.end - range.begin);
  }
  const std::string name = "gradients " + at(unit).name();
  reductions_.emplace_back(options_.ordered ? group_->reduce_scatter_ordered(own, whole, name)
                                            : group_->reduce_scatter(own, whole, name),
                           whole.numel());
  elements_on_the_way_ += whole.numel();
}

void UnitShards::settle_gradients(std::int64_t elements) {
  while (elements_on_the_way_ > elements) {
    reductions_.front().first.wait();
    elements_on_the_way_ -= reductions_.front().second;
    reductions_.pop_front();
  }
}

void UnitShards::finish_gradients() {
  settle_gradients();
  if (group_->size() == 1) return;
  std::vector<Pending> reductions;
  // All of them are on their way before the first is waited for.
  for (std::size_t unit = num_units(); unit-- > 0;) {
    Part& part = parts_[unit];
    const std::string name = "gradients " + at(unit).name();
    const Range range = part_of(unit, group_->rank());
    if (options_.stage == 0)
      reductions.push_back(
          uses_scratch()
              ? group_->all_gather(part.own_gradients,
                                   part.own_gradients.narrow(0, range.begin, range.end - range.begin), name)
              : group_->all_reduce(part.own_gradients, Reduce::kSum, name));
    else if (!uses_scratch())
      reductions.push_back(group_->reduce_scatter(part.own_gradients, part.gradients_memory, name));
  }
  for (Pending& reduction : reductions) reduction.wait();
  if (options_.stage == 1 && !uses_scratch())
    for (Part& part : parts_) part.gradients_memory.zero_();
}

void UnitShards::values_changed(std::size_t unit) {
  if (options_.stage == 0 || values_sharded()) return;
  parts_[unit].gather =
      group_->all_gather(at(unit).values(), parts_[unit].own_values, "values " + at(unit).name());
}

void UnitShards::begin_fill(std::size_t unit) {
  if (!values_sharded()) return;
  parts_[unit].values_memory = at::zeros(at(unit).values().sizes(), at(unit).values().options());
  at(unit).attach_values(parts_[unit].values_memory);
}

void UnitShards::end_fill(std::size_t unit) {
  if (!values_sharded()) return;
  const Range own = own_range(unit);
  parts_[unit].own_values.copy_(at(unit).values().narrow(0, own.begin, own.end - own.begin));
  release_values(unit);
}

}  // namespace caravan::trainer
