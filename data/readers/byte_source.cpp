#include "data/readers/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "data/error.h"

namespace caravan::data {
namespace {

class PlainFile : public ByteSource {
 public:
  PlainFile(const std::string& path, const ByteSourceOptions& options)
      : path_(path == kStdin ? "stdin" : path),
        options_(options),
        descriptor_(path == kStdin ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                   : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) throw io_error("cannot be opened");
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0 && S_ISDIR(status.st_mode)) {
      ::close(descriptor_);
      throw Error(Error::Kind::kData,
                  path_ + ": is a folder; name a file or a glob such as " + path_ + "/*.jsonl");
    }
    waits_ = !S_ISREG(status.st_mode);
    ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
  ~PlainFile() override { ::close(descriptor_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  std::size_t read(char* out, std::size_t size) override {
    if (magic_given_ == magic_.size()) return read_file(out, size);
    const std::size_t got = magic_.copy(out, size, magic_given_);
    magic_given_ += got;
    return got;
  }
  std::uint64_t file_bytes_read() const override { return bytes_ - (magic_.size() - magic_given_); }
  const std::string& path() const { return path_; }
  // The first bytes of the file. A pipe cannot be rewound, so they are kept, and read() gives them again.
  std::string_view read_magic() {
    char bytes[4];
    while (magic_.size() < sizeof(bytes)) {
      const std::size_t got = read_file(bytes, sizeof(bytes) - magic_.size());
      if (got == 0) break;
      magic_.append(bytes, got);
    }
    return magic_;
  }

 private:
  std::size_t read_file(char* out, std::size_t size) {
    for (;;) {
      if (waits_) wait_for_input();
      const ssize_t got = ::read(descriptor_, out, size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw io_error("cannot be read");
      if (options_.hash != nullptr) options_.hash->update(out, static_cast<std::size_t>(got));
      bytes_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }
  }
  // A read from a pipe or terminal may block for ever, and then nobody would see the wish to stop.
  void wait_for_input() {
    constexpr int kLookEveryMs = 100;
    pollfd waiting{descriptor_, POLLIN, 0};
    // Not above 0: nothing came yet, or the very signal that asks to stop cut the wait short.
    while (options_.stop && ::poll(&waiting, 1, kLookEveryMs) <= 0) {
      if (options_.stop())
        throw Error(Error::Kind::kInterrupted, path_ + ": stopped while waiting for input");
    }
  }
  Error io_error(const std::string& what) const {
    return Error(Error::Kind::kInputOutput, path_ + ": " + what + ": " + std::strerror(errno));
  }
  std::string path_;
  ByteSourceOptions options_;
  int descriptor_;
  bool waits_ = false;
  std::string magic_;
  std::size_t magic_given_ = 0;
  std::uint64_t bytes_ = 0;
};

constexpr std::size_t kInputBytes = 256 << 10;

Error damaged(const std::string& path, const std::string& what) {
  return Error(Error::Kind::kData, path + ": " + what + "; fetch or compress the file again");
}

class GzipFile : public ByteSource {
 public:
  explicit GzipFile(std::unique_ptr<PlainFile> file) : file_(std::move(file)), input_(kInputBytes) {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  ~GzipFile() override { inflateEnd(&stream_); }
  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  std::size_t read(char* out, std::size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1u << 30));
    const uInt wanted = stream_.avail_out;
    while (stream_.avail_out == wanted && (stream_.avail_in > 0 || refill())) {
      if (between_members_ && !start_member()) continue;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        between_members_ = true;
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        throw damaged(file_->path(),
                      std::string("damaged gzip data (") + (stream_.msg ? stream_.msg : "bad stream") + ")");
      }
    }
    const std::size_t got = wanted - stream_.avail_out;
    if (got == 0 && !between_members_) throw damaged(file_->path(), "the gzip data ends in the middle");
    return got;
  }
  std::uint64_t file_bytes_read() const override { return file_->file_bytes_read(); }

 private:
  bool refill() {
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(file_->read(input_.data(), input_.size()));
    return stream_.avail_in > 0;
  }
  // Members may follow one another, padded with zeros at most.
  bool start_member() {
    while (stream_.avail_in > 0 && *stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
    }
    if (stream_.avail_in == 0) return false;
    inflateReset(&stream_);
    between_members_ = false;
    return true;
  }

  std::unique_ptr<PlainFile> file_;
  std::vector<char> input_;
  z_stream stream_{};
  bool between_members_ = false;
};

class ZstdFile : public ByteSource {
 public:
  explicit ZstdFile(std::unique_ptr<PlainFile> file)
      : file_(std::move(file)), input_(kInputBytes), context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    if (!context_) throw std::bad_alloc();
  }

  std::size_t read(char* out, std::size_t size) override {
    ZSTD_outBuffer output{out, size, 0};
    while (output.pos == 0) {
      if (pending_.pos == pending_.size && !flush_first_) {
        pending_ = {input_.data(), file_->read(input_.data(), input_.size()), 0};
        if (pending_.size == 0) break;
      }
      const std::size_t code = ZSTD_decompressStream(context_.get(), &output, &pending_);
      if (ZSTD_isError(code)) {
        throw damaged(file_->path(), std::string("damaged zstd data (") + ZSTD_getErrorName(code) + ")");
      }
      frame_open_ = code != 0;
      // A full output buffer may leave bytes inside the decoder though its input is spent.
      flush_first_ = output.pos == output.size && frame_open_;
    }
    if (output.pos == 0 && frame_open_) throw damaged(file_->path(), "the zstd data ends in the middle");
    return output.pos;
  }
  std::uint64_t file_bytes_read() const override { return file_->file_bytes_read(); }

 private:
  std::unique_ptr<PlainFile> file_;
  std::vector<char> input_;
  std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  ZSTD_inBuffer pending_{nullptr, 0, 0};
  bool frame_open_ = false;
  bool flush_first_ = false;
};

}  // namespace

bool is_pipe(const std::string& path) {
  struct stat status {};
  return path == kStdin ||
         (::stat(path.c_str(), &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)));
}

std::unique_ptr<ByteSource> open_bytes(const std::string& path, const ByteSourceOptions& options) {
  auto file = std::make_unique<PlainFile>(path, options);
  const std::string_view magic = file->read_magic();
  if (magic.starts_with("\x1f\x8b")) return std::make_unique<GzipFile>(std::move(file));
  if (magic == "\x28\xb5\x2f\xfd") return std::make_unique<ZstdFile>(std::move(file));
  return file;
}

}  // namespace caravan::data
