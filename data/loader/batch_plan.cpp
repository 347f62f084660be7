#include "data/loader/batch_plan.h"

#include <algorithm>
#include <mutex>

#include "data/error.h"
#include "data/loader/pack.h"

namespace caravan::data {
namespace {

// A step and where its documents stand in the order of its epoch.
struct PlannedStep {
  StepInfo info;
  std::size_t first = 0;
};

// The plan lists every step; more than this is a slip of the pen, and would fill the memory before step 1.
constexpr std::int64_t kMaxSteps = 50'000'000;

Error plan_error(const std::string& text) {
  return Error(Error::Kind::kData, text);
}

void check_options(const PlanOptions& options) {
  const auto positive = [](const std::optional<std::int64_t>& value, const char* key) {
    if (value && *value < 1)
      throw plan_error(std::string(key) + ": found " + std::to_string(*value) + ", allowed is 1 or more");
  };
  positive(options.batch.tokens, "batch.tokens");
  positive(options.batch.sequences, "batch.sequences");
  positive(options.epochs, "run.epochs");
  positive(options.max_steps, "run.max_steps");
  if (options.max_steps && *options.max_steps > kMaxSteps) {
    throw plan_error("run.max_steps: found " + std::to_string(*options.max_steps) + ", allowed are at most " +
                     std::to_string(kMaxSteps) + "; lower it");
  }
  if (options.batch.tokens.has_value() == options.batch.sequences.has_value()) {
    throw plan_error("batch: give exactly one of tokens and sequences");
  }
  if (options.epochs.has_value() == options.max_steps.has_value()) {
    throw plan_error("run: give exactly one of epochs and max_steps");
  }
  if (options.batch.micro_tokens < 1) {
    throw plan_error("batch.micro_tokens: found " + std::to_string(options.batch.micro_tokens) +
                     ", allowed is 1 or more");
  }
}

}  // namespace

struct BatchPlan::State {
  PlanOptions options;
  std::span<const DocumentSize> sizes;
  EpochOrder order;
  std::vector<PlannedStep> steps;
  std::vector<std::int64_t>
      epoch_documents;  // per planned epoch: all of its documents, also those behind max_steps
  std::int64_t tokens = 0;
  std::int64_t trained_tokens = 0;

  std::mutex mutex;
  std::int64_t known_epoch = -1;
  std::shared_ptr<const std::vector<std::uint32_t>> known_order;

  std::shared_ptr<const std::vector<std::uint32_t>> order_of(std::int64_t epoch) {
    const std::lock_guard guard(mutex);
    if (known_epoch != epoch) {
      known_order = std::make_shared<const std::vector<std::uint32_t>>(order(epoch));
      known_epoch = epoch;
    }
    return known_order;
  }

  bool full() const {
    return options.max_steps && static_cast<std::int64_t>(steps.size()) >= *options.max_steps;
  }

  void close(PlannedStep& step) {
    if (step.info.sequences == 0 || full()) return;
    tokens += step.info.tokens;
    trained_tokens += step.info.trained_tokens;
    if (static_cast<std::int64_t>(steps.size()) == kMaxSteps) {
      throw plan_error("run.epochs: " + std::to_string(*options.epochs) +
                       " epochs of this data are more than " + std::to_string(kMaxSteps) +
                       " steps, which is the most allowed; lower run.epochs, or take "
                       "larger batches");
    }
    steps.push_back(step);
  }

  void plan_epoch(std::int64_t epoch) {
    const auto documents = order_of(epoch);
    epoch_documents.push_back(static_cast<std::int64_t>(documents->size()));
    PlannedStep step;
    step.info.epoch = epoch;
    for (std::size_t i = 0; i < documents->size() && !full(); ++i) {
      const DocumentSize& size = sizes[(*documents)[i]];
      const bool over = options.batch.tokens ? step.info.tokens + size.tokens > *options.batch.tokens
                                             : step.info.sequences == *options.batch.sequences;
      if (over) {
        close(step);
        step = {};
        step.info.epoch = epoch;
        step.first = i;
      }
      ++step.info.sequences;
      step.info.tokens += size.tokens;
      step.info.trained_tokens += size.trained_tokens;
    }
    close(step);
  }
};

BatchPlan::BatchPlan(const PlanOptions& options, std::span<const DocumentSize> sizes, EpochOrder order,
                     const std::function<std::string(std::uint32_t)>& name_of)
    : state_(std::make_unique<State>()) {
  check_options(options);
  state_->options = options;
  state_->sizes = sizes;
  state_->order = std::move(order);
  const auto refuse_longer = [&](std::int64_t limit, const std::string& key) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i].tokens <= limit) continue;
      throw plan_error(name_of(static_cast<std::uint32_t>(i)) + ": the document has " +
                       std::to_string(sizes[i].tokens) + " tokens, " + key + " is " + std::to_string(limit) +
                       "; raise it, or lower data.max_length");
    }
  };
  refuse_longer(options.batch.micro_tokens, "batch.micro_tokens");
  if (options.batch.tokens) refuse_longer(*options.batch.tokens, "batch.tokens");
  for (std::int64_t epoch = 0; !state_->full() && (!options.epochs || epoch < *options.epochs); ++epoch) {
    const std::size_t before = state_->steps.size();
    state_->plan_epoch(epoch);
    // With weights below one an epoch may be empty, but not all of them for ever.
    if (state_->steps.size() == before)
      throw plan_error("data: no document is left for epoch " + std::to_string(epoch) +
                       "; check take and weight");
  }
}

BatchPlan::~BatchPlan() = default;
BatchPlan::BatchPlan(BatchPlan&&) noexcept = default;
BatchPlan& BatchPlan::operator=(BatchPlan&&) noexcept = default;

std::int64_t BatchPlan::num_steps() const {
  return static_cast<std::int64_t>(state_->steps.size());
}
std::int64_t BatchPlan::num_tokens() const {
  return state_->tokens;
}
std::int64_t BatchPlan::num_trained_tokens() const {
  return state_->trained_tokens;
}

StepInfo BatchPlan::step(std::int64_t step) const {
  return state_->steps.at(static_cast<std::size_t>(step)).info;
}

double BatchPlan::epochs_after(std::int64_t step) const {
  const PlannedStep& planned = state_->steps.at(static_cast<std::size_t>(step));
  const auto seen = static_cast<double>(planned.first) + static_cast<double>(planned.info.sequences);
  return static_cast<double>(planned.info.epoch) +
         seen / static_cast<double>(state_->epoch_documents[static_cast<std::size_t>(planned.info.epoch)]);
}

std::vector<std::vector<std::uint32_t>> BatchPlan::micro_batches(std::int64_t step) const {
  const PlannedStep& planned = state_->steps.at(static_cast<std::size_t>(step));
  const auto order = state_->order_of(planned.info.epoch);
  const std::span<const std::uint32_t> documents(order->data() + planned.first,
                                                 static_cast<std::size_t>(planned.info.sequences));
  std::vector<std::uint32_t> lengths;
  for (const std::uint32_t document : documents) lengths.push_back(state_->sizes[document].tokens);
  std::vector<std::vector<std::uint32_t>> groups = pack_best_fit(lengths, state_->options.batch.micro_tokens);
  for (std::vector<std::uint32_t>& group : groups) {
    for (std::uint32_t& place : group) place = documents[place];
  }
  return groups;
}

}  // namespace caravan::data
