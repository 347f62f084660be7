// Compressed files: gzip members, zstd frames, and bytes that are neither.
#include <array>

#include "data/error.h"
#include "data/readers/byte_source.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("framing", [](fuzz::Input input) {
  const std::string path = fuzz::file_of("framed", input.rest());
  fuzz::may_refuse<data::Error>([&] {
    const auto source = data::open_bytes(path);
    std::array<char, 4096> piece;
    // A small file may hold a lot of one letter; time and not the content is what must stay bounded here.
    std::size_t left = std::size_t{8} << 20;
    for (std::size_t got; left > 0 && (got = source->read(piece.data(), piece.size())) > 0;)
      left -= std::min(left, got);
    fuzz::require(source->file_bytes_read() <= input.rest().size(), "no more is read than there is");
  });
});
