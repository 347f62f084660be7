#include "data/walk/output_encoder.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <vector>

#include "data/walk/row_walk.h"

namespace caravan::data {
namespace {

constexpr std::size_t kOutputBytes = 1 << 20;

class PlainEncoder : public OutputEncoder {
 public:
  void encode(std::string_view bytes, const Sink& sink) override { sink(bytes); }
  void finish(const Sink&) override {}
};

// zlib's header is written without a time or a name, so equal lines give equal files.
class GzipEncoder : public OutputEncoder {
 public:
  GzipEncoder() : output_(kOutputBytes) {
    if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
  }
  ~GzipEncoder() override { deflateEnd(&stream_); }
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  void encode(std::string_view bytes, const Sink& sink) override {
    constexpr std::size_t kMaxWriteBytes = 1u << 30;
    while (!bytes.empty()) {
      const std::string_view part = bytes.substr(0, kMaxWriteBytes);
      run(part, Z_NO_FLUSH, sink);
      bytes.remove_prefix(part.size());
    }
  }
  void finish(const Sink& sink) override { run({}, Z_FINISH, sink); }

 private:
  void run(std::string_view bytes, int flush, const Sink& sink) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(output_.data());
      stream_.avail_out = static_cast<uInt>(output_.size());
      deflate(&stream_, flush);
      sink({output_.data(), output_.size() - stream_.avail_out});
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  std::vector<char> output_;
};

// One frame: other readers stop at the end of the first. Workers of the library share the work; it promises
// the same bytes for any number of them but none.
class ZstdEncoder : public OutputEncoder {
 public:
  ZstdEncoder() : context_(ZSTD_createCCtx(), ZSTD_freeCCtx), output_(kOutputBytes) {
    if (!context_) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, 3);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    const int workers = static_cast<int>(std::min<std::size_t>(usable_cores(), 16));
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, workers);
  }
  void encode(std::string_view bytes, const Sink& sink) override { run(bytes, ZSTD_e_continue, sink); }
  void finish(const Sink& sink) override { run({}, ZSTD_e_end, sink); }

 private:
  void run(std::string_view bytes, ZSTD_EndDirective directive, const Sink& sink) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    std::size_t left = 0;
    do {
      ZSTD_outBuffer output{output_.data(), output_.size(), 0};
      left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
      if (ZSTD_isError(left)) throw std::bad_alloc();  // the only way it fails on valid parameters
      sink({output_.data(), output.pos});
    } while (input.pos < input.size || (directive == ZSTD_e_end && left > 0));
  }

  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_;
  std::vector<char> output_;
};

}  // namespace

std::unique_ptr<OutputEncoder> make_encoder(const std::string& path) {
  if (path.ends_with(".gz")) return std::make_unique<GzipEncoder>();
  if (path.ends_with(".zst")) return std::make_unique<ZstdEncoder>();
  return std::make_unique<PlainEncoder>();
}

}  // namespace caravan::data
