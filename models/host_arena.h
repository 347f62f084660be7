// CPU memory for tensors of 64 KiB and more.
//
// Activations come and go with every step, in sizes that change with the batch. From the C library's heap
// they leave holes around whatever small thing was made meanwhile and outlives them, and a run grows by
// hundreds of megabytes; or they go back to the system and are fetched again, page by page. Here they share
// one region of large pages (where the system grants them) that is filled from its lower end, joins what is
// freed and is kept.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

namespace caravan::models {

class HostArena {
 public:
  // Reserves `capacity` bytes of addresses; memory is taken as it is used. A reservation that fails leaves an
  // arena without room.
  explicit HostArena(std::size_t capacity);
  ~HostArena();
  HostArena(const HostArena&) = delete;
  HostArena& operator=(const HostArena&) = delete;

  // The lowest place that fits, 64-byte aligned; nullptr where none does. Thread safe, as are all below.
  void* take(std::size_t bytes);
  // Gives a block back. `block` must come from take().
  void give(void* block);
  bool owns(const void* block) const;
  std::size_t high_water() const;  // bytes from the lower end that were ever in use

 private:
  bool grow(std::size_t end);  // makes the addresses below `end` usable

  char* base_ = nullptr;
  std::size_t capacity_ = 0, usable_ = 0, high_water_ = 0;
  std::map<std::size_t, std::size_t> free_, taken_;  // offset to size; free neighbours are joined
  mutable std::mutex mutex_;
};

// From here on tensors on the CPU live in an arena as large as the machine's memory; small ones, and what
// finds no room, in the heap as before. Call once, first thing in a program.
void use_host_arena();

}  // namespace caravan::models
