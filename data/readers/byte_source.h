// The bytes of a file, decompressed on the way: plain, gzip (members in a row too), zstd (frames in a row
// too).
//
// Goals: constant memory, whatever a compressed file claims; a truncated or damaged file is an error that
// names it, never a silent end. Non-goals: seeking, network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "data/sha256.h"

namespace caravan::data {

// The name that stands for standard input.
inline constexpr std::string_view kStdin = "-";

// Standard input, a named pipe or a device: something that can be read once, and whose name says nothing.
bool is_pipe(const std::string& path);

struct ByteSourceOptions {
  // Fed with the bytes of the file as they are read, before decompression. Must outlive the source.
  Sha256* hash = nullptr;
  // Asked while a pipe or a terminal has nothing to say; true ends the read with an Error (interrupted).
  std::function<bool()> stop = {};
};

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills up to `size` bytes; 0 only at the end. Throws data::Error: damaged or truncated (data), unreadable
  // (input/output).
  virtual std::size_t read(char* out, std::size_t size) = 0;
  // Bytes of the file consumed so far, for progress.
  virtual std::uint64_t file_bytes_read() const = 0;
};

// The first bytes of the file, not its name, tell the compression. Throws data::Error where it cannot be
// opened.
std::unique_ptr<ByteSource> open_bytes(const std::string& path, const ByteSourceOptions& options = {});

}  // namespace caravan::data
