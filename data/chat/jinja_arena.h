// Memory of one render: handed out by moving a pointer, given back all at once, bounded.
// Whatever lives here must not need a destructor.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace caravan::data::jinja {

class Arena {
 public:
  explicit Arena(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Throws Fault when the render asks for more than its limit.
  void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t));

  template <typename T>
  T* allocate_array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* items = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < count; ++i) new (items + i) T();
    return items;
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  char* allocate_chars(std::size_t bytes) { return static_cast<char*>(allocate(bytes, 1)); }
  std::string_view copy(std::string_view text) {
    char* chars = allocate_chars(text.size());
    if (!text.empty()) std::memcpy(chars, text.data(), text.size());
    return {chars, text.size()};
  }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };
  void add_block(std::size_t at_least);

  std::size_t limit_bytes_;
  std::size_t used_bytes_ = 0;  // of all blocks before the current one
  std::vector<Block> blocks_;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
};

}  // namespace caravan::data::jinja
