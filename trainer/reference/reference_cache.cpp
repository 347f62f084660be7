#include "trainer/reference/reference_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "data/bounded_json.h"
#include "data/loader/token_shard.h"
#include "data/sha256.h"
#include "models/error.h"
#include "models/weights/mapped_file.h"
#include "trainer/error.h"
#include "trainer/metrics/append_file.h"

namespace caravan::trainer {

namespace {

namespace fs = std::filesystem;

constexpr std::array<char, 8> kMagic{'C', 'R', 'V', 'N', 'R', 'E', 'F', '2'};
// Parts are what a pass that is stopped may lose: a 256th of it, but no smaller than a pass or two, and no
// larger than some seconds of a large machine.
constexpr std::int64_t kMaxParts = 256, kMinTokens = 4096, kMaxTokens = std::int64_t{4} << 20;

struct PartHeader {
  std::array<char, 8> magic = kMagic;
  std::array<char, 64> key = {};  // SHA-256 in hexadecimal digits
  std::uint64_t index = 0, documents = 0, values = 0;
  data::Digest checksum = {};  // XXH3-128 of the whole file with this field as zeros
};

std::uint64_t counts_bytes(std::uint64_t documents) {
  return (documents * sizeof(std::uint32_t) + 7) / 8 * 8;
}

data::Digest checksum_of(std::string bytes) {
  const data::Digest zeros = {};
  std::memcpy(bytes.data() + offsetof(PartHeader, checksum), &zeros, sizeof zeros);
  return data::digest_of(bytes);
}

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

}  // namespace

struct ReferenceCache::OpenPart {
  explicit OpenPart(const std::string& path) : file(path) {}
  models::MappedFile file;
  const float* values = nullptr;
  std::vector<std::uint64_t> starts;  // of each document's values
};

ReferenceCache::ReferenceCache(const fs::path& cache_dir, const nlohmann::json& key,
                               const data::TrainingData& data, std::uint32_t documents,
                               const std::function<void(const std::string&)>& note)
    : data_(data), key_(key), key_hash_(data::sha256_hex(key.dump())) {
  folder_ = cache_dir / ("reference-" + key_hash_.substr(0, 32));
  std::int64_t all = 0;
  for (std::uint32_t d = 0; d < documents; ++d) all += data.sizes()[d].tokens;
  const std::int64_t most = std::clamp(all / kMaxParts, kMinTokens, kMaxTokens);
  std::int64_t tokens = 0;
  for (std::uint32_t d = 0; d < documents; ++d) {
    if (parts_.empty() || tokens >= most) {
      parts_.push_back({d, d});
      tokens = 0;
    }
    tokens += data.sizes()[d].tokens;
    parts_.back().end = d + 1;
  }
  files_.resize(parts_.size());
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    std::string why;
    files_[part] = open(part, why);
    std::error_code ignored;
    if (!files_[part] && fs::exists(file_of(part), ignored) && note)
      note(file_of(part).string() + ": " + why + "; it is computed again");
  }
}

fs::path ReferenceCache::file_of(std::size_t part) const {
  char name[32];
  std::snprintf(name, sizeof name, "part-%05zu.ref", part);
  return folder_ / name;
}

bool ReferenceCache::is_complete() const {
  return std::all_of(files_.begin(), files_.end(), [](const auto& file) { return file != nullptr; });
}

std::shared_ptr<const ReferenceCache::OpenPart> ReferenceCache::open(std::size_t part,
                                                                     std::string& why) const {
  const auto refuse = [&why](const char* text) {
    why = text;
    return nullptr;
  };
  std::error_code missing;
  if (!fs::is_regular_file(file_of(part), missing)) return refuse("is missing");
  auto opened = std::make_shared<OpenPart>(file_of(part).string());
  const std::span<const std::byte> bytes = opened->file.bytes();
  const Part& range = parts_[part];
  const std::uint64_t documents = range.end - range.begin;
  PartHeader header;
  const std::uint64_t counts_at = sizeof header, values_at = counts_at + counts_bytes(documents);
  if (bytes.size() < values_at) return refuse("is cut");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) return refuse("is no part of this format");
  if (!std::equal(header.key.begin(), header.key.end(), key_hash_.begin(), key_hash_.end()) ||
      header.index != part || header.documents != documents)
    return refuse("belongs to another entry");
  opened->starts.push_back(0);
  for (std::uint64_t d = 0; d < documents; ++d) {
    std::uint32_t count = 0;
    std::memcpy(&count, bytes.data() + counts_at + d * sizeof count, sizeof count);
    if (count != data_.sizes()[range.begin + d].trained_tokens) return refuse("belongs to other rows");
    opened->starts.push_back(opened->starts.back() + count);
  }
  if (header.values != opened->starts.back() || bytes.size() != values_at + header.values * sizeof(float))
    return refuse("has the wrong size");
  if (checksum_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}) != header.checksum)
    return refuse("fails its checksum");
  opened->values = reinterpret_cast<const float*>(bytes.data() + values_at);
  for (std::uint32_t d = range.begin; d < range.end; ++d) {
    const std::uint64_t begin = opened->starts[d - range.begin], end = opened->starts[d - range.begin + 1];
    require_finite(d, {opened->values + begin, end - begin}, file_of(part).string());
  }
  return opened;
}

void ReferenceCache::require_finite(std::uint32_t document, std::span<const float> values,
                                    const std::string& where) const {
  for (const float value : values)
    if (!std::isfinite(value))
      throw Error(Error::Kind::kData,
                  where + ": the reference's log-probability of a token of " + data_.name_of(document) +
                      " is " + (std::isnan(value) ? "nan" : "infinite") +
                      "; allowed are finite numbers. Look at the reference's weights (caravan score) and at "
                      "that row; then delete " +
                      folder_.string());
}

void ReferenceCache::write(std::size_t part, const std::vector<std::vector<float>>& values) const {
  const Part& range = parts_[part];
  std::vector<std::uint32_t> counts;
  std::vector<float> flat;
  for (std::uint32_t d = range.begin; d < range.end; ++d) {
    const std::vector<float>& own = values.at(d - range.begin);
    require_finite(d, own, "reference pass");
    counts.push_back(static_cast<std::uint32_t>(own.size()));
    flat.insert(flat.end(), own.begin(), own.end());
  }
  if (counts.size() % 2 != 0) counts.push_back(0);
  PartHeader header;
  std::copy(key_hash_.begin(), key_hash_.end(), header.key.begin());
  header.index = part;
  header.documents = range.end - range.begin;
  header.values = flat.size();
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += bytes_of(counts);
  bytes += bytes_of(flat);
  const data::Digest checksum = checksum_of(bytes);
  std::memcpy(bytes.data() + offsetof(PartHeader, checksum), &checksum, sizeof checksum);
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error)
    throw Error(Error::Kind::kInputOutput, folder_.string() + ": cannot be made: " + error.message() +
                                               "; name another reference.cache_dir");
  if (!fs::exists(folder_ / "key.json")) replace_file(folder_ / "key.json", key_.dump(2) + "\n");
  replace_file(file_of(part), bytes);
}

bool ReferenceCache::take(std::size_t part) {
  std::string why;
  if (!files_[part]) files_[part] = open(part, why);
  return files_[part] != nullptr;
}

std::span<const float> ReferenceCache::of(std::uint32_t document) const {
  const auto after = std::upper_bound(parts_.begin(), parts_.end(), document,
                                      [](std::uint32_t d, const Part& part) { return d < part.begin; });
  const auto part = static_cast<std::size_t>(after - parts_.begin()) - 1;
  const OpenPart& file = *files_.at(part);
  const std::size_t at = document - parts_[part].begin;
  return {file.values + file.starts[at], file.starts[at + 1] - file.starts[at]};
}

namespace {

std::string shortened(const nlohmann::json& value) {
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  constexpr std::size_t kShown = 20;
  return text.size() <= kShown ? text : text.substr(0, kShown) + "..";
}

std::vector<std::string> differences(const nlohmann::json& before, const nlohmann::json& now) {
  std::vector<std::string> found;
  for (const auto& [name, value] : now.items()) {
    const nlohmann::json old = before.value(name, nlohmann::json("nothing"));
    if (old != value) found.push_back(name + " (" + shortened(old) + " -> " + shortened(value) + ")");
  }
  for (const auto& [name, value] : before.items())
    if (!now.contains(name)) found.push_back(name + " (" + shortened(value) + " -> nothing)");
  return found;
}

}  // namespace

std::string nearest_entry(const fs::path& cache_dir, const nlohmann::json& key) {
  constexpr std::size_t kLargestKey = 1u << 20, kMaxEntries = 1000;
  std::string text;
  std::size_t fewest = 0, looked_at = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(cache_dir, ignored)) {
    if (!entry.path().filename().string().starts_with("reference-") || ++looked_at > kMaxEntries) continue;
    try {
      const auto other = data::parse_bounded_json<nlohmann::json>(
          models::read_text_file((entry.path() / "key.json").string(), kLargestKey));
      const std::vector<std::string> found = differences(other, key);
      if (!other.is_object() || found.empty() || (fewest > 0 && found.size() >= fewest)) continue;
      fewest = found.size();
      text = entry.path().string() + " is of another reference or other rows: ";
      for (std::size_t i = 0; i < found.size(); ++i) text += (i == 0 ? "" : ", ") + found[i];
    } catch (const std::exception&) {
      // Not an entry of ours.
    }
  }
  return text;
}

}  // namespace caravan::trainer
