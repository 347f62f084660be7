// A zeroed array of fixed length for tables that are read at random: in huge pages where the system gives
// them, since such reads otherwise spend their time on page tables. Move-only.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace caravan::data {

template <class T>
class LargeArray {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit LargeArray(std::size_t size = 0) : size_(size) {
    if (size == 0) return;
    // Aligned to what it may become: a page that lies across two cannot be a huge one.
    const std::size_t alignment = num_bytes() >= kHugePage / 2 ? kHugePage : 64;
    data_ = static_cast<T*>(::operator new(rounded(alignment), std::align_val_t(alignment)));
    if (alignment == kHugePage) madvise(data_, rounded(alignment), MADV_HUGEPAGE);
    std::fill_n(reinterpret_cast<unsigned char*>(data_), num_bytes(), static_cast<unsigned char>(0));
  }
  ~LargeArray() {
    if (data_) ::operator delete(data_, std::align_val_t(num_bytes() >= kHugePage / 2 ? kHugePage : 64));
  }
  LargeArray(LargeArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  LargeArray& operator=(LargeArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  const T* data() const { return data_; }

 private:
  static constexpr std::size_t kHugePage = 2u << 20;
  std::size_t num_bytes() const { return size_ * sizeof(T); }
  std::size_t rounded(std::size_t unit) const { return (num_bytes() + unit - 1) / unit * unit; }

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace caravan::data
