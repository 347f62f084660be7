// From a place among the ranks to the group: all meet at one store, and from then on watch each other.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "trainer/distributed/distributed_options.h"
#include "trainer/distributed/process_group.h"
#include "trainer/distributed/rank_place.h"

namespace caravan::trainer {

struct JoinCallbacks {
  // What a user should know while it takes long: "waiting for ranks 2, 3 of 4"; may be empty.
  std::function<void(const std::string&)> note;
  // True where this rank is asked to stop, also later: ProcessGroup::stop_wanted. Asked often, from any
  // thread; may be empty.
  std::function<bool()> cancelled;
  // Tells the sentence, keeps the events and ends the process with code 76, where the thread that computes
  // does not get to; not to return.
  std::function<void(const std::string& sentence, const std::string& events)> abandon;
};

// A group of one for a place of size 1. Else rank 0 opens the store (or torchrun's agent has), the others
// connect, and all return once all are there. Throws Error (peer lost) after distributed.join_timeout, naming
// who is missing or what cannot be reached, and at once where the port is taken, a rank came twice, or the
// ranks do not agree on their number; Error (stopped) where `cancelled`.
std::unique_ptr<ProcessGroup> join_ranks(const RankPlace& place, const DistributedOptions& options,
                                         const JoinCallbacks& callbacks);

// Cores for each of the ranks that share them with this one (the ranks of this machine, unless a launcher
// gave each cores of its own). All ranks call it.
int cores_per_rank(ProcessGroup& group);

// The device that this rank computes on where the run computes on devices like `device`; makes it the current
// one. Throws as device_index does.
c10::Device device_of_rank(const RankPlace& place, const c10::Device& device);

std::string host_name();

}  // namespace caravan::trainer
