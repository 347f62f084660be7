#include "data/loader/token_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include "data/error.h"
#include "data/loader/cache_build.h"
#include "data/loader/cache_files.h"
#include "data/readers/detect.h"
#include "data/readers/file_list.h"

namespace caravan::data {
namespace {

void note(const CacheRequest& request, const std::string& text) {
  if (request.note) request.note(text);
}

// All shards that the manifest names, verified; nothing where one of them is not sound, and then `why` is
// filled.
std::optional<CacheEntry> open_complete(const CacheFolder& folder, std::string& why_not) {
  const std::optional<Manifest> manifest = folder.read_manifest();
  if (!manifest) return std::nullopt;
  CacheEntry entry;
  for (std::uint32_t i = 0; i < manifest->checksums.size(); ++i) {
    std::string why;
    std::unique_ptr<TokenShard> shard = TokenShard::open(folder.shard(i), folder.key(), i, why);
    if (shard && to_hex(shard->header().checksum) != manifest->checksums[i]) {
      why = "is not the one that the manifest names";
      shard.reset();
    }
    if (!shard) {
      why_not = folder.shard(i) + ": " + why;
      return std::nullopt;
    }
    entry.shards.push_back(std::move(shard));
  }
  return entry;
}

// Held until destroyed; the system releases it when the process dies, however it dies.
class BuildLock {
 public:
  BuildLock(const CacheRequest& request, const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) throw_io(path, "cannot be made");
    bool told = false;
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK && errno != EINTR) throw_io(path, "cannot be locked");
      if (!told) note(request, request.file + ": another process tokenizes it; waiting for its result");
      told = true;
      if (request.cancelled && request.cancelled()) {
        ::close(descriptor_);
        throw Error(Error::Kind::kInterrupted,
                    "stopped while waiting for another process that tokenizes " + request.file);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  ~BuildLock() { ::close(descriptor_); }
  BuildLock(const BuildLock&) = delete;
  BuildLock& operator=(const BuildLock&) = delete;

 private:
  int descriptor_;
};

struct FileState {
  std::uint64_t bytes = 0;
  std::int64_t seconds = 0, nanoseconds = 0;
  bool operator==(const FileState&) const = default;
};

FileState state_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw_io(path, "cannot be read");
  return {static_cast<std::uint64_t>(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

}  // namespace

Digest digest_of_file(const std::string& path) {
  std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) throw_io(path, "cannot be opened");
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  if (!state) throw std::bad_alloc();
  XXH3_128bits_reset(state.get());
  std::vector<char> buffer(1 << 20);
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    XXH3_128bits_update(state.get(), buffer.data(), got);
  }
  if (std::ferror(file.get())) throw_io(path, "cannot be read");
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return {hash.high64, hash.low64};
}

Digest cache_key(const CacheRequest& request) {
  // Raise the version whenever the same inputs would give other bytes.
  const std::string version = "caravan token cache 4";
  Json inputs{{"version", version},
              {"file", to_hex(digest_of_file(request.file))},
              {"array", row_file_kind(request.file) == RowFileKind::kJson},
              {"format", format_name(request.format)},
              {"row_bytes", request.limits.row_bytes},
              {"block_bytes", request.limits.block_bytes},
              {"recipe", to_hex(digest_of(request.recipe))}};
  // Other formats make other rows of the same bytes; the name alone tells them apart.
  const RowFileKind kind = row_file_kind(request.file);
  if (kind != RowFileKind::kJson && kind != RowFileKind::kJsonLines) inputs["kind"] = static_cast<int>(kind);
  return digest_of(inputs.dump());
}

CacheEntry open_cache(const CacheRequest& request, const ConversationTokenizer& tokenizer) {
  const FileState before = state_of(request.file);
  const CacheFolder folder(request.cache_dir, cache_key(request));
  std::string why_not;
  if (std::optional<CacheEntry> entry = open_complete(folder, why_not)) return std::move(*entry);
  folder.create();
  const BuildLock lock(request, folder.lock());
  // Somebody may have finished, or repaired it, while we waited.
  why_not.clear();
  if (std::optional<CacheEntry> entry = open_complete(folder, why_not)) return std::move(*entry);
  if (!why_not.empty()) note(request, why_not + "; it is built again");
  folder.remove_partial_files();
  CacheEntry entry = build_shards(request, folder, tokenizer);
  if (state_of(request.file) != before) {
    throw Error(Error::Kind::kData,
                request.file + ": changed while it was tokenized; run again when it is complete");
  }
  folder.write_manifest(entry);
  return entry;
}

}  // namespace caravan::data
