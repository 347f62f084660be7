#include "data/loader/cache_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "data/bounded_json.h"
#include "data/error.h"

namespace caravan::data {
namespace {

constexpr const char* kPartial = ".partial";

void write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) throw_io(path, "cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

}  // namespace

void throw_io(const std::string& path, const std::string& what) {
  const int code = errno;
  std::string text = path + ": " + what + ": " + std::strerror(code);
  if (code == ENOSPC || code == EDQUOT) text += "; free some space and run again, what is complete is kept";
  throw Error(Error::Kind::kInputOutput, text);
}

void write_whole(const std::string& path, std::string_view bytes) {
  const std::string partial = path + kPartial;
  const int descriptor = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) throw_io(partial, "cannot be made");
  try {
    write_all(descriptor, bytes, partial);
  } catch (...) {
    ::close(descriptor);
    ::unlink(partial.c_str());
    throw;
  }
  if (::close(descriptor) != 0 || std::rename(partial.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(partial.c_str());
    errno = code;
    throw_io(path, "cannot be written");
  }
}

CacheFolder::CacheFolder(const std::string& cache_dir, const Digest& key)
    : key_(key), path_(cache_dir + "/tokens-" + to_hex(key)) {}

std::string CacheFolder::shard(std::uint32_t index) const {
  char name[32];
  std::snprintf(name, sizeof(name), "/shard-%08u.tok", index);
  return path_ + name;
}

void CacheFolder::create() const {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error)
    throw Error(Error::Kind::kInputOutput,
                path_ + ": cannot be made: " + error.message() + "; set data.cache_dir to a writable folder");
}

void CacheFolder::remove_partial_files() const {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(path_, error)) {
    if (file.path().extension() == kPartial) std::filesystem::remove(file.path(), error);
  }
}

// A manifest that is not ours or not whole counts as none: shards are checked one by one anyway.
std::optional<Manifest> CacheFolder::read_manifest() const {
  std::ifstream in(manifest(), std::ios::binary);
  if (!in) return std::nullopt;
  const Json json = parse_bounded_json(in);
  if (!json.is_object() || json.value("key", Json()) != to_hex(key_) || !json.contains("checksums"))
    return std::nullopt;
  Manifest found;
  for (const Json& checksum : json["checksums"]) {
    if (!checksum.is_string()) return std::nullopt;
    found.checksums.push_back(checksum.get<std::string>());
  }
  return found;
}

void CacheFolder::write_manifest(const CacheEntry& entry) const {
  std::uint64_t rows = 0, documents = 0, tokens = 0;
  Json checksums = Json::array();
  for (const std::unique_ptr<TokenShard>& shard : entry.shards) {
    rows += shard->header().rows;
    documents += shard->header().documents;
    tokens += shard->header().tokens;
    checksums.push_back(to_hex(shard->header().checksum));
  }
  const Json json{{"key", to_hex(key_)},
                  {"rows", rows},
                  {"documents", documents},
                  {"tokens", tokens},
                  {"checksums", checksums}};
  write_whole(manifest(), json.dump(1) + "\n");
}

}  // namespace caravan::data
