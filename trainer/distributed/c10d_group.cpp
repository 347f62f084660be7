#include "trainer/distributed/c10d_group.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <deque>

namespace caravan::trainer {

namespace {

constexpr std::chrono::minutes kDevicePatience{10};

using WorkPtr = c10::intrusive_ptr<c10d::Work>;

c10d::ReduceOp reduce_op(Reduce how) {
  switch (how) {
    case Reduce::kMax:
      return c10d::ReduceOp::MAX;
    case Reduce::kMin:
      return c10d::ReduceOp::MIN;
    default:
      return c10d::ReduceOp::SUM;
  }
}

// What is only moved has no type.
at::Tensor bytes_of(const at::Tensor& x) {
  return x.view(-1).view(at::kByte);
}

// ((own + part 0) + part 1) + ...; parts [R * P] of whatever size `own` [P] has.
void add_in_order(const at::Tensor& own, const at::Tensor& parts) {
  const std::int64_t count = own.numel(), num_parts = parts.numel() / count;
  const bool rounds = own.scalar_type() == at::kBFloat16;
  const at::Tensor flat = own.view(-1), sum = rounds ? flat.to(at::kFloat) : flat;
  for (std::int64_t r = 0; r < num_parts; ++r) sum.add_(parts.narrow(0, r * count, count));
  if (rounds) flat.copy_(sum);
}

class C10dGroup : public ProcessGroup {
 public:
  C10dGroup(int rank, int size, c10::intrusive_ptr<c10d::Backend> host_backend, std::unique_ptr<Watch> watch,
            c10::intrusive_ptr<c10d::Store> store)
      : ProcessGroup(rank, size),
        store_(std::move(store)),
        host_backend_(std::move(host_backend)),
        watch_(std::move(watch)) {}

  ~C10dGroup() override {
    watch_->set_device_poll({});
    if (!watch_->is_lost()) return;
    // Their threads wait for a rank that is lost, and would be waited for here; the process is about to end.
    host_backend_.release();
    device_backend_.release();
  }

  void use_device(const c10::Device& device) override {
    if (!device.is_cuda()) return;
    watch_->set_section("connecting devices", kDevicePatience);
    // One rank after the other may be slow to open its device; what they say here is waited for.
    barrier("devices");
    try {
      device_backend_ = make_nccl_backend(store_, rank(), size(), device, kDevicePatience);
    } catch (const c10::Error& error) {
      watch_->broken("connecting devices", error.what_without_backtrace());
    }
    watch_->set_device_poll([this] { return oldest_on_device(); });
    watch_->set_section("", {});
  }
  void set_step(std::int64_t step) override { watch_->set_step(step); }
  void set_section(const std::string& section, std::chrono::seconds patience) override {
    watch_->set_section(section, patience);
  }
  void note_progress() noexcept override { watch_->note_progress(); }

  Pending all_reduce(const at::Tensor& x, Reduce how, const std::string& name) override {
    return start(x, "all_reduce " + name, [&](c10d::Backend& backend) {
      std::vector<at::Tensor> tensors{x};
      c10d::AllreduceOptions options;
      options.reduceOp = reduce_op(how);
      return backend.allreduce(tensors, options);
    });
  }

  Pending all_gather(const at::Tensor& whole, const at::Tensor& own, const std::string& name) override {
    require_parts(whole, own, "all_gather " + name);
    return start(own, "all_gather " + name, [&](c10d::Backend& backend) {
      at::Tensor to = bytes_of(whole), from = bytes_of(own);
      return backend._allgather_base(to, from);
    });
  }

  Pending reduce_scatter(const at::Tensor& own, const at::Tensor& whole, const std::string& name) override {
    // c10d's reduce-scatter over Gloo reduces everything everywhere; exchanging parts and adding them here
    // moves half as much, and has a fixed order at that.
    if (!own.is_cuda()) return reduce_scatter_ordered(own, whole, name);
    require_parts(whole, own, "reduce_scatter " + name);
    const at::Tensor sum = at::empty({own.numel()}, own.options());
    return start(
        own, "reduce_scatter " + name,
        [&](c10d::Backend& backend) {
          at::Tensor to = sum, from = whole.view(-1);
          return backend._reduce_scatter_base(to, from);
        },
        [own, sum] { own.view(-1).add_(sum); });
  }

  Pending reduce_scatter_ordered(const at::Tensor& own, const at::Tensor& whole,
                                 const std::string& name) override {
    require_parts(whole, own, "reduce_scatter " + name);
    const at::Tensor parts = at::empty({whole.numel()}, whole.options());
    return start(
        own, "reduce_scatter " + name,
        [&](c10d::Backend& backend) {
          at::Tensor to = bytes_of(parts), from = bytes_of(whole);
          std::vector<std::int64_t> even;
          return backend.alltoall_base(to, from, even, even);
        },
        [own, parts] { add_in_order(own, parts); });
  }

  Pending broadcast(const at::Tensor& x, int from, const std::string& name) override {
    return start(x, "broadcast " + name, [&](c10d::Backend& backend) {
      std::vector<at::Tensor> tensors{bytes_of(x)};
      c10d::BroadcastOptions options;
      options.rootRank = from;
      return backend.broadcast(tensors, options);
    });
  }

  void all_reduce(std::span<double> numbers, Reduce how, const std::string& name) override {
    std::string bytes(numbers.size_bytes(), '\0');
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    const std::string all = gather_bytes(bytes, name);
    std::vector<double> other(numbers.size());
    for (int r = 0; r < size(); ++r) {
      std::memcpy(other.data(), all.data() + static_cast<std::size_t>(r) * bytes.size(), bytes.size());
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (r == 0) {
          numbers[i] = other[i];
        } else if (how == Reduce::kSum) {
          numbers[i] += other[i];
        } else {
          numbers[i] = how == Reduce::kMax ? std::max(numbers[i], other[i]) : std::min(numbers[i], other[i]);
        }
      }
    }
  }

  std::vector<std::string> all_gather_text(const std::string& text, const std::string& name) override {
    double longest = static_cast<double>(text.size());
    std::vector<double> lengths(static_cast<std::size_t>(size()));
    lengths[static_cast<std::size_t>(rank())] = longest;
    all_reduce(std::span(lengths), Reduce::kSum, name + " (lengths)");
    longest = *std::max_element(lengths.begin(), lengths.end());
    std::string padded = text;
    padded.resize(static_cast<std::size_t>(longest));
    const std::string all = longest > 0.0 ? gather_bytes(padded, name) : "";
    std::vector<std::string> texts;
    for (std::size_t r = 0; r < lengths.size(); ++r)
      texts.push_back(all.substr(r * padded.size(), static_cast<std::size_t>(lengths[r])));
    return texts;
  }

  void barrier(const std::string& name) override {
    double nothing = 0.0;
    all_reduce(std::span(&nothing, 1), Reduce::kSum, name);
  }

  void fail(const std::string& error, int exit_code) noexcept override { watch_->fail(error, exit_code); }
  void finish() override { watch_->leave(); }
  bool stop_wanted() override { return watch_->stop_wanted(); }
  std::string last_events() override { return watch_->last_events(); }

 private:
  class Running;

  template <class Call>
  Pending start(const at::Tensor& x, const std::string& name, Call call,
                std::function<void()> afterwards = {});
  std::string gather_bytes(const std::string& bytes, const std::string& name);
  void require_parts(const at::Tensor& whole, const at::Tensor& own, const std::string& name) const {
    TORCH_INTERNAL_ASSERT(whole.numel() == own.numel() * size() && whole.scalar_type() == own.scalar_type(),
                          name, ": ", whole.numel(), " elements are not ", size(), " times ", own.numel());
  }
  std::optional<std::uint64_t> oldest_on_device();

  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<c10d::Backend> host_backend_, device_backend_;  // the second may be null
  std::unique_ptr<Watch> watch_;
  std::mutex on_device_mutex_;
  std::deque<std::pair<std::uint64_t, WorkPtr>> on_device_;
};

class C10dGroup::Running : public Pending::Work {
 public:
  Running(C10dGroup& group, bool on_device, std::uint64_t number, std::string name, WorkPtr work,
          std::function<void()> afterwards)
      : group_(group),
        on_device_(on_device),
        number_(number),
        name_(std::move(name)),
        work_(std::move(work)),
        afterwards_(std::move(afterwards)),
        completion_(std::make_shared<Completion>()) {
    if (on_device_) return;
    future_ = work_->getFuture();
    future_->addCallback([completion = completion_, trace = group_.trace(), number = number_,
                          name = name_](c10::ivalue::Future&) {
      if (trace) trace->call_ends(number, name);
      completion->set();
    });
  }

  void wait() override {
    if (on_device_) {
      wait_on_device();
    } else {
      group_.watch_->wait(number_, name_, *completion_);
      if (future_->hasError()) group_.watch_->broken(name_, future_->tryRetrieveErrorMessage());
    }
    if (afterwards_) afterwards_();
  }

 private:
  void wait_on_device() {
    try {
      work_->wait();
      if (group_.trace()) group_.trace()->call_ends(number_, name_);
    } catch (const std::exception& error) {
      group_.watch_->broken(name_, error.what());
    }
  }

  C10dGroup& group_;
  bool on_device_;
  std::uint64_t number_;
  std::string name_;
  WorkPtr work_;
  c10::intrusive_ptr<c10::ivalue::Future> future_;
  std::function<void()> afterwards_;
  std::shared_ptr<Completion> completion_;
};

template <class Call>
Pending C10dGroup::start(const at::Tensor& x, const std::string& name, Call call,
                         std::function<void()> afterwards) {
  const std::uint64_t number = watch_->begin(name);
  if (trace()) trace()->call_begins(number, name);
  WorkPtr work;
  try {
    work = call(x.is_cuda() ? *device_backend_ : *host_backend_);
  } catch (const std::exception& error) {
    watch_->broken(name, error.what());
  }
  if (x.is_cuda()) {
    const std::lock_guard lock(on_device_mutex_);
    on_device_.emplace_back(number, work);
  }
  return Pending(
      std::make_unique<Running>(*this, x.is_cuda(), number, name, std::move(work), std::move(afterwards)));
}

// What is done counts as progress of this rank.
std::optional<std::uint64_t> C10dGroup::oldest_on_device() {
  const std::lock_guard lock(on_device_mutex_);
  while (!on_device_.empty() && on_device_.front().second->isCompleted()) {
    on_device_.pop_front();
    watch_->note_progress();
  }
  if (on_device_.empty()) return std::nullopt;
  return on_device_.front().first;
}

// The bytes of all ranks one after the other; as many from each.
std::string C10dGroup::gather_bytes(const std::string& bytes, const std::string& name) {
  const auto count = static_cast<std::int64_t>(bytes.size());
  const at::Tensor own = at::empty({count}, at::kByte);
  std::memcpy(own.data_ptr(), bytes.data(), bytes.size());
  const at::Tensor whole = at::empty({count * size()}, at::kByte);
  all_gather(whole, own, name).wait();
  return {static_cast<const char*>(whole.const_data_ptr()), static_cast<std::size_t>(whole.numel())};
}

}  // namespace

std::unique_ptr<ProcessGroup> make_c10d_group(int rank, int size,
                                              c10::intrusive_ptr<c10d::Backend> host_backend,
                                              std::unique_ptr<Watch> watch,
                                              c10::intrusive_ptr<c10d::Store> store) {
  return std::make_unique<C10dGroup>(rank, size, std::move(host_backend), std::move(watch), std::move(store));
}

}  // namespace caravan::trainer
