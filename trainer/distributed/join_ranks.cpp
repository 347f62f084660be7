#include "trainer/distributed/join_ranks.h"

#include <ATen/DeviceAccelerator.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <future>
#include <thread>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "trainer/distributed/c10d_group.h"
#include "trainer/distributed/store_address.h"
#include "trainer/error.h"

namespace caravan::trainer {

using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

class Joining {
 public:
  Joining(const RankPlace& place, const DistributedOptions& options, const JoinCallbacks& callbacks)
      : place_(place),
        options_(options),
        callbacks_(callbacks),
        end_(Clock::now() + std::chrono::seconds(options.join_timeout)),
        store_name_(place.master_host + ":" + std::to_string(place.master_port)),
        holds_store_(place.rank == 0 && !place.agent_holds_store) {}

  std::unique_ptr<ProcessGroup> join() {
    StorePtr store = open_store();
    const StorePtr ours =
        c10::make_intrusive<c10d::PrefixStore>("caravan/" + place_.attempt, std::move(store));
    check_in(*ours);
    wait_for_all(*ours);
    auto watch = std::make_unique<Watch>(ours->clone(), watch_options(*ours));
    const auto backends = c10::make_intrusive<c10d::PrefixStore>("backend", ours);
    auto backend = in_time(
        "connect to the other ranks",
        [place = place_, backends, left = time_left()] { return connect(place, backends, left); },
        [&] { watch->throw_if_lost(); });
    return make_c10d_group(place_.rank, place_.size, std::move(backend), std::move(watch), backends);
  }

 private:
  std::string self() const { return "rank " + std::to_string(place_.rank) + " (" + host_name() + ")"; }

  [[noreturn]] void fail(const std::string& text) const { throw Error(Error::Kind::kPeerLost, text); }

  std::chrono::milliseconds time_left() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now());
    return std::max<std::chrono::milliseconds>(left, 100ms);
  }

  void throw_if_cancelled() const {
    if (callbacks_.cancelled && callbacks_.cancelled())
      throw Error(Error::Kind::kStopped, "stopped while the ranks met; the same command starts again");
  }

  // LibTorch waits for as long as it likes where something that is no store answers. A thread that is still
  // in there ends with the process, which the error ends.
  template <class Work, class Result = std::invoke_result_t<Work>>
  Result in_time(const std::string& what, Work work, const std::function<void()>& check = {}) {
    auto promise = std::make_shared<std::promise<Result>>();
    std::future<Result> result = promise->get_future();
    std::thread([promise, work] {
      try {
        promise->set_value(work());
      } catch (...) {
        promise->set_exception(std::current_exception());
      }
    }).detach();
    while (result.wait_for(50ms) != std::future_status::ready) {
      throw_if_cancelled();
      if (check) check();
      if (Clock::now() > end_ + 1s)
        fail(self() + " could not " + what + " within " + std::to_string(options_.join_timeout) +
             " s; look whether something else uses the port, and at the network between the machines");
    }
    try {
      return result.get();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      const std::string text = error.what();
      fail(self() + " could not " + what + ": " + text.substr(0, text.find('\n')));
    }
  }

  StorePtr open_store() {
    c10d::TCPStoreOptions tcp;
    tcp.port = static_cast<std::uint16_t>(place_.master_port);
    tcp.waitWorkers = false;
    tcp.timeout = time_left();
    std::string address = "127.0.0.1";
    if (holds_store_) {
      tcp.isServer = true;
      tcp.masterListenFd = open_store_port(place_.master_port, place_.is_on_one_machine());
    } else {
      std::string why;
      address = reach(place_.master_host, place_.master_port, time_left(), callbacks_.cancelled, why);
      throw_if_cancelled();
      if (address.empty())
        fail(self() + " cannot reach the store at " + store_name_ + " for " +
             std::to_string(options_.join_timeout) + " s: " + why + "; " +
             (place_.agent_holds_store ? "torchrun" : "rank 0") +
             " is to open it: look whether it runs, and at MASTER_ADDR and MASTER_PORT");
    }
    return in_time("use the store at " + store_name_, [address, tcp] {
      StorePtr store = c10::make_intrusive<c10d::TCPStore>(address, tcp);
      store->check({"is it a store?"});
      return store;
    });
  }

  // Ends the joining on all ranks that are there, for the same reason.
  [[noreturn]] void give_up(c10d::Store& store, const LostRank& lost) const {
    const std::string sentence = Watch::tell(store, lost).sentence();
    // The others look every 20 ms, and could not once the store is gone.
    if (holds_store_) std::this_thread::sleep_for(1s);
    fail(sentence);
  }

  // Every rank once, and all with the same idea of how many there are.
  void check_in(c10d::Store& store) const {
    const std::string size = std::to_string(place_.size);
    const std::string agreed = store.compareSet("size", "", size);
    if (agreed != size) {
      const std::string text = "counts " + size + " ranks, but another rank counts " + agreed +
                               "; start all with the same numbers";
      give_up(store, {place_.rank, host_name(), 0, text, 0});
    }
    if (store.add("times/" + std::to_string(place_.rank), 1) != 1)
      fail("two processes say that they are rank " + std::to_string(place_.rank) + " of the ranks at " +
           store_name_ + "; is another run using this port?");
    Watch::announce(store, place_.rank, host_name());
  }

  std::string missing(c10d::Store& store) const {
    std::string text;
    int count = 0;
    for (int rank = 0; rank < place_.size; ++rank)
      if (!store.check({Watch::beat_key(rank)}) && ++count <= 8)
        text += (text.empty() ? "" : ", ") + std::to_string(rank);
    return (count == 1 ? "rank " : "ranks ") + text + (count > 8 ? ", ..." : "") + " of " +
           std::to_string(place_.size);
  }

  void wait_for_all(c10d::Store& store) const {
    std::vector<std::string> keys;
    for (int rank = 0; rank < place_.size; ++rank) keys.push_back(Watch::beat_key(rank));
    Clock::time_point tell = Clock::now() + 10s;
    try {
      while (!store.check(keys)) {
        throw_if_cancelled();
        if (const auto lost = Watch::heard(store)) give_up(store, *lost);
        if (Clock::now() > end_)
          give_up(store,
                  {-1, "", 0,
                   missing(store) + " did not come to " + store_name_ + " within " +
                       std::to_string(options_.join_timeout) +
                       " s (distributed.join_timeout); look at their output, and whether they were started",
                   0});
        if (Clock::now() > tell && place_.rank == 0 && callbacks_.note) {
          callbacks_.note("waiting for " + missing(store) + " at " + store_name_);
          tell = Clock::now() + 30s;
        }
        std::this_thread::sleep_for(20ms);
      }
    } catch (const c10::Error& error) {
      fail("the store at " + store_name_ + ", which " + (place_.agent_holds_store ? "torchrun" : "rank 0") +
           " holds, is lost: " + error.what_without_backtrace());
    }
  }

  WatchOptions watch_options(c10d::Store& store) const {
    WatchOptions options;
    options.rank = place_.rank;
    options.size = place_.size;
    options.host = host_name();
    options.store_name = store_name_;
    const auto first = parse_peer_state(store.get_to_str(Watch::beat_key(0)));
    options.store_host = first ? first->host : place_.master_host;
    options.holds_store = holds_store_;
    options.store_in_rank_0 = !place_.agent_holds_store;
    options.timeout = std::chrono::seconds(options_.timeout);
    options.wants_stop = callbacks_.cancelled;
    options.abandon = callbacks_.abandon;
    return options;
  }

  static c10::intrusive_ptr<c10d::Backend> connect(const RankPlace& place, const StorePtr& store,
                                                   std::chrono::milliseconds longest) {
    const std::string address =
        place.is_on_one_machine() ? "127.0.0.1" : own_address_towards(place.master_host, place.master_port);
    return make_gloo_backend(store, place.rank, place.size, address, longest);
  }

  const RankPlace& place_;
  const DistributedOptions& options_;
  const JoinCallbacks& callbacks_;
  Clock::time_point end_;
  std::string store_name_;
  bool holds_store_;
};

}  // namespace

std::unique_ptr<ProcessGroup> join_ranks(const RankPlace& place, const DistributedOptions& options,
                                         const JoinCallbacks& callbacks) {
  if (place.size == 1) return make_single_group();
  signal(SIGPIPE, SIG_IGN);  // a connection whose other end is gone is an error, not the end of the process
  return Joining(place, options, callbacks).join();
}

int cores_per_rank(ProcessGroup& group) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  const std::string own =
      host_name() + " " + std::string(reinterpret_cast<const char*>(&cores), sizeof cores);
  int sharing = 0;
  for (const std::string& other : group.all_gather_text(own, "cores")) sharing += other == own;
  return std::max(1, CPU_COUNT(&cores) / std::max(1, sharing));
}

c10::Device device_of_rank(const RankPlace& place, const c10::Device& device) {
  if (device.is_cpu()) return device;
  const auto index = static_cast<c10::DeviceIndex>(device_index(place, at::accelerator::deviceCount()));
  at::accelerator::setDeviceIndex(index);
  return {device.type(), index};
}

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0 || *name == '\0') return "this host";
  return name;
}

}  // namespace caravan::trainer
