// Work on items in several threads, taken from one source and handed on in the order of the source.
//
// Goals: the same result for any number of threads; memory of one item a thread; an error that ends the run
// is that of the earliest item, whoever met another one first. With one thread nothing but the caller's runs.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace caravan::data {

template <class Item>
struct OrderedRun {
  std::function<bool(Item&)> next;  // one call at a time; false at the end
  std::function<void(Item&)> work;  // many at once
  std::function<void(Item&)> take;  // one call at a time, in the order of next
};

// Lets one thread after the other through, in the order of their numbers, until one of them fails.
class OrderedTurns {
 public:
  // False where an item before this one failed, or this one is not wanted any more.
  bool wait_for(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == number || number > failed_; });
    return number <= failed_;
  }
  void pass() {
    const std::lock_guard lock(mutex_);
    ++turn_;
    changed_.notify_all();
  }
  void fail(std::uint64_t number, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (number < failed_) {
      failed_ = number;
      error_ = std::move(error);
    }
    changed_.notify_all();
  }
  bool failed() {
    const std::lock_guard lock(mutex_);
    return error_ != nullptr;
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t turn_ = 0;
  std::uint64_t failed_ = std::numeric_limits<std::uint64_t>::max();
  std::exception_ptr error_;
};

// Throws what next, work or take threw for the earliest item.
template <class Item>
void run_ordered(std::size_t threads, const OrderedRun<Item>& run) {
  OrderedTurns turns;
  std::mutex source;
  std::uint64_t given = 0;
  bool ended = false;
  const auto loop = [&] {
    Item item;
    for (;;) {
      std::uint64_t number = 0;
      try {
        {
          const std::lock_guard lock(source);
          if (ended || turns.failed()) return;
          number = given;
          ended = true;  // stays so where next throws
          ended = !run.next(item);
          if (ended) return;
          ++given;
        }
        run.work(item);
        if (!turns.wait_for(number)) return;
        run.take(item);
      } catch (...) {
        turns.fail(number, std::current_exception());
        return;
      }
      turns.pass();
    }
  };
  {
    std::vector<std::jthread> others;  // joined at the end of the scope
    try {
      for (std::size_t i = 1; i < threads; ++i) others.emplace_back(loop);
    } catch (const std::system_error&) {
      // The system gives no more threads; those that run do the whole work, with the same result.
    }
    loop();
  }
  turns.rethrow();
}

}  // namespace caravan::data
