#include "data/chat/jinja_arena.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "data/chat/jinja_fault.h"

namespace caravan::data::jinja {

namespace {
constexpr std::size_t kFirstBlockBytes = 64u << 10;
constexpr std::size_t kLargestGrowthBytes = 8u << 20;
}  // namespace

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
  auto align = [&] {
    auto address = reinterpret_cast<std::uintptr_t>(next_);
    return (alignment - address % alignment) % alignment;
  };
  std::size_t padding = align();
  if (next_ == nullptr || bytes + padding > static_cast<std::size_t>(end_ - next_)) {
    add_block(bytes + alignment);
    padding = align();
  }
  std::byte* result = next_ + padding;
  next_ = result + bytes;
  return result;
}

void Arena::add_block(std::size_t at_least) {
  std::size_t growth =
      blocks_.empty() ? kFirstBlockBytes : std::min(2 * blocks_.back().size, kLargestGrowthBytes);
  std::size_t size = std::max(at_least, growth);
  if (at_least > limit_bytes_ || used_bytes_ + at_least > limit_bytes_) {
    throw Fault("the render needs more than " + std::to_string(limit_bytes_ >> 20) + " MiB of working memory",
                "render shorter conversations or raise the memory limit");
  }
  blocks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
  used_bytes_ += size;
  next_ = blocks_.back().bytes.get();
  end_ = next_ + size;
}

}  // namespace caravan::data::jinja
