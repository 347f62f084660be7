// Names and writing of the files of one cache entry. Private to the loader.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/loader/token_cache.h"
#include "data/loader/token_shard.h"

namespace caravan::data {

// Throws data::Error(kInputOutput) with the text of errno and, for a full disk, what to do.
[[noreturn]] void throw_io(const std::string& path, const std::string& what);

// Writes aside and renames: `path` holds all of `bytes` or what it held before. Not synced: what a power
// failure leaves of a cache fails its checksum and is made again, and a sync of each of ten thousand files
// takes a minute.
void write_whole(const std::string& path, std::string_view bytes);

struct Manifest {
  std::vector<std::string> checksums;  // hex, per shard
};

class CacheFolder {
 public:
  CacheFolder(const std::string& cache_dir, const Digest& key);
  const Digest& key() const { return key_; }
  std::string shard(std::uint32_t index) const;
  std::string lock() const { return path_ + "/lock"; }
  void create() const;
  // What killed processes left half written. Only under the lock.
  void remove_partial_files() const;
  std::optional<Manifest> read_manifest() const;
  void write_manifest(const CacheEntry& entry) const;

 private:
  std::string manifest() const { return path_ + "/manifest.json"; }
  Digest key_;
  std::string path_;
};

}  // namespace caravan::data
