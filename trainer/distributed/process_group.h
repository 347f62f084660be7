// The ranks of a run that compute together, and what they tell each other.
//
// Goals: the same calls for one rank (nothing happens), for CPUs (Gloo) and for GPUs (NCCL); every call has a
// name, so that a failure says which rank did not reach "reduce_scatter layers.3" of step 17; a rank that is
// lost ends all others with that one sentence. Non-goals: subgroups, uneven parts, starting processes.
//
// Every rank makes the same calls with the same names, in the same order, from one thread. Tensors are
// contiguous, of fp32, fp64, bf16, int64 or uint8, on the CPU or on the device of use_device.
//
// A call that a rank does not reach ends on all others once that rank shows no progress for
// distributed.timeout: its process is gone or stopped, or it makes no call of this class, note_progress
// included. All functions throw Error: kPeerLost with the sentence that every rank tells, or kStopped where a
// rank ended because it was asked to.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trainer/metrics/trace.h"

namespace caravan::trainer {

enum class Reduce { kSum, kMax, kMin };

// A collective on its way. What it reads and writes must not be touched before wait(), and is kept alive.
class [[nodiscard]] Pending {
 public:
  class Work {
   public:
    virtual ~Work() = default;
    virtual void wait() = 0;
  };

  Pending() = default;  // done already
  explicit Pending(std::unique_ptr<Work> work) : work_(std::move(work)) {}
  // On the CPU until it is done; for CUDA what this thread queues next waits for it, the host does not.
  // A second call does nothing.
  void wait() {
    if (work_) work_->wait();
    work_.reset();
  }

 private:
  std::unique_ptr<Work> work_;
};

class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_first() const { return rank_ == 0; }
  // Where what this rank computes and calls is timed; null: nowhere. For tensors only.
  const std::shared_ptr<Trace>& trace() const { return trace_; }
  void set_trace(std::shared_ptr<Trace> trace) { trace_ = std::move(trace); }

  // Tensors may be on this device from now on. One device a rank.
  virtual void use_device(const c10::Device& device) = 0;
  // Names what follows for messages; step 0 is before the first one.
  virtual void set_step(std::int64_t step) = 0;
  // What this rank does between calls ("reading data", "saving"), for messages, and how long it may do so
  // without progress where that is more than distributed.timeout. Until the next call; "" ends it.
  virtual void set_section(const std::string& section, std::chrono::seconds patience = {}) = 0;
  // This rank is alive and busy: called from loops that are long and hold no collective (rows tokenized,
  // micro-batches, files written). Cheap; from any thread.
  virtual void note_progress() noexcept = 0;

  // ---- Tensors. All start at once and are done after wait(); two that are on their way may overlap.
  // In place. Sums are made in the dtype of the tensor.
  virtual Pending all_reduce(const at::Tensor& x, Reduce how, const std::string& name) = 0;
  // whole [R * P] = the own [P] of all ranks in their order. `own` may be this rank's part of `whole`.
  virtual Pending all_gather(const at::Tensor& whole, const at::Tensor& own, const std::string& name) = 0;
  // own [P] += the sum over ranks of their parts of whole [R * P], which must not overlap `own` and is left
  // as it is on the CPU and undefined on CUDA.
  virtual Pending reduce_scatter(const at::Tensor& own, const at::Tensor& whole, const std::string& name) = 0;
  // The same with a fixed order: ((own + rank 0) + rank 1) + ..., in fp32 for bf16, rounded once. On the
  // CPU that is what reduce_scatter does; on CUDA it costs as much memory as `whole` once more.
  virtual Pending reduce_scatter_ordered(const at::Tensor& own, const at::Tensor& whole,
                                         const std::string& name) = 0;
  // `x` of rank `from` in all ranks.
  virtual Pending broadcast(const at::Tensor& x, int from, const std::string& name) = 0;

  // ---- Things of the host. All wait until they are done.
  // Element by element, in place.
  virtual void all_reduce(std::span<double> numbers, Reduce how, const std::string& name) = 0;
  // The texts (any bytes, small) of all ranks in their order.
  virtual std::vector<std::string> all_gather_text(const std::string& text, const std::string& name) = 0;
  virtual void barrier(const std::string& name) = 0;

  // Some rank was asked to stop, as far as this one knows: true on all of them soon, but not at once.
  virtual bool stop_wanted() = 0;

  // What this rank did last among the others, in lines of JSON; "" for one rank.
  virtual std::string last_events() = 0;

  // ---- The end.
  // Tells the others why this rank cannot go on, so that their sentence names it; then they end too. The
  // first rank that calls it wins. Never throws and takes 10 s at most.
  virtual void fail(const std::string& error, int exit_code) noexcept = 0;
  // All ranks are done: returns when every one called it. Nothing may be called afterwards.
  virtual void finish() = 0;

 protected:
  ProcessGroup(int rank, int size) : rank_(rank), size_(size) {}

 private:
  int rank_, size_;
  std::shared_ptr<Trace> trace_;
};

// One rank: every call returns at once and touches no library.
std::unique_ptr<ProcessGroup> make_single_group();

}  // namespace caravan::trainer
