// Ranks as threads of the test's own process: real collectives over the loopback, a store in memory.
#pragma once

#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <vector>

#include "trainer/distributed/c10d_group.h"

namespace caravan::tests {

struct ThreadRanks {
  std::chrono::milliseconds timeout{20000};
  // What the function of each rank threw; "" where it returned.
  std::vector<std::string> errors;

  // Runs `body` on `size` ranks at once, and waits for all.
  void run(int size, const std::function<void(trainer::ProcessGroup&)>& body) {
    // LibTorch records the calls of all groups of a process in one map that it does not lock.
    setenv("TORCH_FR_BUFFER_SIZE", "0", 1);
    const auto store = c10::make_intrusive<c10d::HashStore>();
    errors.assign(static_cast<std::size_t>(size), "");
    std::vector<std::thread> threads;
    for (int rank = 0; rank < size; ++rank)
      threads.emplace_back([this, rank, size, store, &body] {
        const auto r = static_cast<std::size_t>(rank);
        try {
          const auto group = join(store, rank, size);
          body(*group);
        } catch (const std::exception& error) {
          errors[r] = error.what();
        }
      });
    for (std::thread& thread : threads) thread.join();
  }

 private:
  std::unique_ptr<trainer::ProcessGroup> join(const c10::intrusive_ptr<c10d::Store>& store, int rank,
                                              int size) {
    const std::string host = "host" + std::to_string(rank);
    trainer::Watch::announce(*store, rank, host);
    auto backend = trainer::make_gloo_backend(c10::make_intrusive<c10d::PrefixStore>("gloo", store), rank,
                                              size, "127.0.0.1", std::chrono::seconds(30));
    trainer::WatchOptions options;
    options.rank = rank;
    options.size = size;
    options.host = host;
    options.store_name = "memory";
    options.store_host = "host0";
    options.holds_store = rank == 0;
    options.timeout = timeout;
    options.abandon = [](const std::string&, const std::string&) {};
    auto watch = std::make_unique<trainer::Watch>(store, options);
    return trainer::make_c10d_group(rank, size, std::move(backend), std::move(watch), store);
  }
};

}  // namespace caravan::tests
