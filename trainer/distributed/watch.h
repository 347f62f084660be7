// Watches over the ranks from inside each of them, and ends them together.
//
// Promise: once one rank fails, is killed, is stopped or stays behind, every rank that runs learns the same
// LostRank, and its process ends: the thread that computes by an Error at its next call, and where it makes
// none for 10 s, by `abandon`. A thread sends this rank's PeerState through a store connection of its own and
// reads what it needs: rank 0 looks at everybody, the others look at rank 0. A second thread sees to it that
// a store that does not answer is noticed too. Clocks are steady ones, and a process that stood still itself
// blames nobody for that time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "trainer/distributed/event_ring.h"
#include "trainer/distributed/judge.h"
#include "trainer/distributed/lost_rank.h"

namespace caravan::trainer {

struct WatchOptions {
  int rank = 0, size = 1;
  std::string host;        // of this rank
  std::string store_name;  // "node01:29500", for messages
  std::string store_host;  // of the process that holds the store, for messages
  bool holds_store = false;
  bool store_in_rank_0 = true;  // else torchrun's agent holds it
  std::chrono::milliseconds timeout{30000};
  std::function<bool()> wants_stop;  // this rank was asked to stop; may be empty
  // Ends the process with code 76 after telling the sentence and keeping the events; not to return.
  std::function<void(const std::string& sentence, const std::string& events)> abandon;
};

// Set by whoever finishes a call, waited for by the thread that computes.
struct Completion {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  void set() {
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  }
};

class Watch {
 public:
  // `store`: a connection that nobody else uses, in which every rank has announced itself (announce).
  Watch(c10::intrusive_ptr<c10d::Store> store, WatchOptions options);
  // Where the ranks were lost and this process holds the store: not before they heard of it, 5 s at most.
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Tells the others that this rank is there; before the constructor.
  static void announce(c10d::Store& store, int rank, const std::string& host);
  static std::string beat_key(int rank);
  // What went wrong before there is a Watch: tells the others, returns what was told first; and what one of
  // them told.
  static LostRank tell(c10d::Store& store, const LostRank& lost);
  static std::optional<LostRank> heard(c10d::Store& store);

  void set_step(std::int64_t step);
  void set_section(const std::string& section, std::chrono::milliseconds patience);
  void note_progress() noexcept { ++progress_; }
  // Number of the call that begins now. This and all below throw Error where the ranks are lost: kStopped
  // where one ended because it was asked to, else kPeerLost.
  std::uint64_t begin(const std::string& call);
  // Until `completion` is set.
  void wait(std::uint64_t number, const std::string& call, Completion& completion);
  // A connection failed in `call`: finds out who is to blame, and throws that.
  [[noreturn]] void broken(const std::string& call, const std::string& error);
  void throw_if_lost();
  // What is not done of the calls that a device works on, oldest first; asked at each beat.
  void set_device_poll(std::function<std::optional<std::uint64_t>()> poll);

  // This rank fails; the others are told. 10 s at most.
  void fail(const std::string& error, int exit_code) noexcept;
  // This rank is done. The one that holds the store waits for all others.
  void leave();
  bool is_lost();
  bool stop_wanted() const { return stop_wanted_; }
  // What happened last, in lines of JSON.
  std::string last_events() { return events_.to_jsonl(); }

 private:
  using Clock = std::chrono::steady_clock;
  void beat_loop();
  void exchange();
  void read_others(const std::vector<std::vector<std::uint8_t>>& values);
  void guard_loop();
  void set_lost(const LostRank& lost);
  [[noreturn]] void throw_lost();
  LostRank store_is_gone(const std::string& error) const;
  bool stopping();
  bool told_left();

  c10::intrusive_ptr<c10d::Store> store_;
  WatchOptions options_;
  std::chrono::milliseconds period_;
  Judge judge_;  // of the beating thread
  std::vector<int> watched_;
  std::atomic<std::uint64_t> progress_{0};
  std::atomic<bool> stop_wanted_{false};
  EventRing events_;

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  PeerState own_;
  std::optional<LostRank> lost_, to_publish_;
  Clock::time_point lost_at_{}, last_exchange_{};
  std::function<std::optional<std::uint64_t>()> poll_;
  bool stop_ = false, all_left_ = false, all_heard_ = false, ending_ = false, told_left_ = false;
  std::jthread beats_, guard_;
};

}  // namespace caravan::trainer
