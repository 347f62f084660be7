#include "models/host_arena.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace caravan::models {

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kGrowth = std::size_t{64} << 20;
constexpr std::size_t kSmall = std::size_t{64} << 10;

std::size_t round_up(std::size_t bytes, std::size_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

std::size_t machine_memory() {
  return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Never destroyed: tensors of static life time are freed after main.
HostArena& process_arena() {
  static auto* const arena = new HostArena(machine_memory());
  return *arena;
}

void release(void* block) {
  if (block != nullptr && process_arena().owns(block))
    process_arena().give(block);
  else
    std::free(block);
}

// c10::alloc_cpu would end the program where there is no memory; this is an error like any other.
void* allocate_alone(std::size_t bytes) {
  void* block = nullptr;
  if (bytes > 0 && posix_memalign(&block, kAlignment, bytes) != 0)
    TORCH_CHECK_WITH(OutOfMemoryError, false, "not enough memory: you tried to allocate ", bytes, " bytes");
  return block;
}

class ArenaAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* block = bytes < kSmall ? nullptr : process_arena().take(bytes);
    if (block == nullptr) block = allocate_alone(bytes);
    return {block, block, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
};

}  // namespace

HostArena::HostArena(std::size_t capacity) : capacity_(capacity / kGrowth * kGrowth) {
  if (capacity_ == 0) return;
  void* const base = mmap(nullptr, capacity_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    capacity_ = 0;
    return;
  }
  base_ = static_cast<char*>(base);
  free_.emplace(0, capacity_);
}

HostArena::~HostArena() {
  if (base_ != nullptr) munmap(base_, capacity_);
}

bool HostArena::grow(std::size_t end) {
  if (end <= usable_) return true;
  const std::size_t grown = std::min(capacity_, round_up(end, kGrowth));
  if (mprotect(base_ + usable_, grown - usable_, PROT_READ | PROT_WRITE) != 0) return false;
  madvise(base_ + usable_, grown - usable_, MADV_HUGEPAGE);
  usable_ = grown;
  return true;
}

void* HostArena::take(std::size_t bytes) {
  const std::size_t size = round_up(std::max<std::size_t>(bytes, 1), kAlignment);
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(free_.begin(), free_.end(), [&](const auto& gap) { return gap.second >= size; });
  if (found == free_.end()) return nullptr;
  const auto [offset, room] = *found;
  if (!grow(offset + size)) return nullptr;
  free_.erase(found);
  if (room > size) free_.emplace(offset + size, room - size);
  taken_.emplace(offset, size);
  high_water_ = std::max(high_water_, offset + size);
  return base_ + offset;
}

void HostArena::give(void* block) {
  const std::lock_guard lock(mutex_);
  const auto taken = taken_.find(static_cast<std::size_t>(static_cast<char*>(block) - base_));
  std::size_t offset = taken->first, size = taken->second;
  taken_.erase(taken);
  const auto after = free_.find(offset + size);
  if (after != free_.end()) {
    size += after->second;
    free_.erase(after);
  }
  const auto next = free_.lower_bound(offset);
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += size;
      return;
    }
  }
  free_.emplace(offset, size);
}

bool HostArena::owns(const void* block) const {
  const auto* const at = static_cast<const char*>(block);
  return base_ != nullptr && at >= base_ && at < base_ + capacity_;
}

std::size_t HostArena::high_water() const {
  const std::lock_guard lock(mutex_);
  return high_water_;
}

void use_host_arena() {
  static ArenaAllocator allocator;
  c10::SetCPUAllocator(&allocator);
}

}  // namespace caravan::models
