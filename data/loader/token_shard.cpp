#include "data/loader/token_shard.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <type_traits>

namespace caravan::data {
namespace {

constexpr std::array<char, 8> kMagic{'C', 'R', 'V', 'T', 'O', 'K', 'E', 'N'};
constexpr std::uint32_t kVersion = 3;

static_assert(sizeof(ShardHeader) == 88 && sizeof(ShardRow) == 32 && sizeof(ShardDocument) == 40);
static_assert(std::is_trivially_copyable_v<ShardHeader> &&
              std::has_unique_object_representations_v<ShardRow>);

constexpr std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

// Where each section begins; `end` is the size of the file.
struct Sections {
  std::uint64_t rows, documents, ids, mask, reasons, end;
};

Sections sections_of(const ShardHeader& header) {
  Sections at{};
  at.rows = sizeof(ShardHeader);
  at.documents = at.rows + header.rows * sizeof(ShardRow);
  at.ids = at.documents + header.documents * sizeof(ShardDocument);
  at.mask = at.ids + aligned(header.tokens * sizeof(std::int32_t));
  at.reasons = at.mask + aligned((header.tokens + 7) / 8);
  at.end = at.reasons + header.reason_bytes;
  return at;
}

// Sums of sizes cannot overflow below these.
bool plausible(const ShardHeader& header) {
  constexpr std::uint64_t kMax = std::uint64_t{1} << 48;
  return header.rows < kMax && header.documents < kMax && header.tokens < kMax && header.reason_bytes < kMax;
}

Digest to_digest(XXH128_hash_t hash) {
  return {hash.high64, hash.low64};
}

Digest checksum_of(const ShardHeader& header, std::string_view rest) {
  ShardHeader blank = header;
  blank.checksum = {};
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(), XXH3_freeState);
  if (!state) throw std::bad_alloc();
  XXH3_128bits_reset(state.get());
  XXH3_128bits_update(state.get(), &blank, sizeof(blank));
  XXH3_128bits_update(state.get(), rest.data(), rest.size());
  return to_digest(XXH3_128bits_digest(state.get()));
}

template <class T>
void append_section(std::string& file, const std::vector<T>& items) {
  if (!items.empty()) file.append(reinterpret_cast<const char*>(items.data()), items.size() * sizeof(T));
  file.resize(aligned(file.size()));
}

}  // namespace

Digest digest_of(std::string_view bytes) {
  return to_digest(XXH3_128bits(bytes.data(), bytes.size()));
}

std::string to_hex(const Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint64_t half : digest) {
    for (int shift = 60; shift >= 0; shift -= 4) text += kDigits[half >> shift & 15];
  }
  return text;
}

void ShardBuilder::clear() {
  *this = ShardBuilder();
}

std::uint16_t ShardBuilder::add_reason(const std::string& reason) {
  if (reason.empty()) return 0;
  const auto found = reason_index_.find(reason);
  if (found != reason_index_.end()) return found->second;
  // Rows of a hostile file may each bring a reason of their own: the detail goes first.
  constexpr std::size_t kMaxReasons = 1000;
  const std::size_t colon = reason.rfind(':');
  if (reasons_.size() >= kMaxReasons && colon != std::string::npos)
    return add_reason(reason.substr(0, colon));
  if (reasons_.size() >= std::numeric_limits<std::uint16_t>::max()) return 0;
  reasons_.push_back(reason);
  const auto index = static_cast<std::uint16_t>(reasons_.size());
  reason_index_.emplace(reason, index);
  return index;
}

void ShardBuilder::add(std::uint64_t line, std::string_view row_bytes, const TokenizedRow& row) {
  ShardRow entry{line,
                 XXH3_64bits(row_bytes.data(), row_bytes.size()),
                 0,
                 0,
                 row.cut_tokens,
                 add_reason(row.reason),
                 row.fate,
                 0};
  const bool pair = row.role == DocumentRole::kChosen;
  std::uint32_t begin = 0, piece = 0;
  const auto trained = [&row](std::uint32_t from, std::uint32_t to) {
    return count_trained_targets(std::span(row.trained).subspan(from, to - from));
  };
  for (std::size_t i = 0; i < row.ends.size(); i += pair ? 2 : 1) {
    const std::uint32_t border = row.ends[i], end = pair ? row.ends[i + 1] : border;
    documents_.push_back({ids_.size(), end - begin,
                          pair ? trained(begin, border) + trained(border, end) : trained(begin, end),
                          static_cast<std::uint32_t>(rows_.size()), piece++, pair ? border - begin : 0,
                          static_cast<std::uint32_t>(row.role), row.margin, 0});
    entry.tokens += end - begin;
    entry.trained_tokens += documents_.back().trained_tokens;
    for (std::uint32_t t = begin; t < end; ++t) {
      if (ids_.size() % 8 == 0) mask_.push_back(0);
      mask_.back() = static_cast<std::uint8_t>(mask_.back() | row.trained[t] << (ids_.size() % 8));
      ids_.push_back(row.ids[t]);
    }
    begin = end;
  }
  straddling_tokens_ += row.ends.empty() ? 0 : row.straddling_tokens;
  rows_.push_back(entry);
}

std::string ShardBuilder::finish(const Digest& key, std::uint32_t index) const {
  std::string reasons;
  for (const std::string& reason : reasons_) reasons += reason + '\0';
  ShardHeader header{
      kMagic,         kVersion,          index, key, {}, rows_.size(), documents_.size(), ids_.size(),
      reasons.size(), straddling_tokens_};
  std::string file(sizeof(header), '\0');
  file.reserve(sections_of(header).end + 8);
  append_section(file, rows_);
  append_section(file, documents_);
  append_section(file, ids_);
  append_section(file, mask_);
  file += reasons;
  header.checksum = checksum_of(header, std::string_view(file).substr(sizeof(header)));
  std::memcpy(file.data(), &header, sizeof(header));
  return file;
}

std::unique_ptr<TokenShard> TokenShard::open(const std::string& path, const Digest& key, std::uint32_t index,
                                             std::string& why) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    why = errno == ENOENT ? "is missing" : std::string("cannot be opened: ") + std::strerror(errno);
    return nullptr;
  }
  struct stat status {};
  const bool known = ::fstat(descriptor, &status) == 0;
  const std::size_t bytes = known ? static_cast<std::size_t>(status.st_size) : 0;
  void* memory = bytes >= sizeof(ShardHeader) ? ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, descriptor, 0)
                                              : MAP_FAILED;
  ::close(descriptor);
  if (memory == MAP_FAILED) {
    why = bytes < sizeof(ShardHeader) ? "is cut short"
                                      : std::string("cannot be mapped: ") + std::strerror(errno);
    return nullptr;
  }
  std::unique_ptr<TokenShard> shard(new TokenShard(memory, bytes));
  return shard->check(key, index, why) ? std::move(shard) : nullptr;
}

TokenShard::~TokenShard() {
  ::munmap(memory_, bytes_);
}

bool TokenShard::check(const Digest& key, std::uint32_t index, std::string& why) {
  const char* base = static_cast<const char*>(memory_);
  header_ = reinterpret_cast<const ShardHeader*>(base);
  const auto fail = [&why](const char* text) {
    why = text;
    return false;
  };
  if (header_->magic != kMagic || header_->version != kVersion)
    return fail("is no shard of this format version");
  if (header_->key != key || header_->index != index) return fail("belongs to another cache entry");
  if (!plausible(*header_) || sections_of(*header_).end != bytes_)
    return fail("has another size than its header says");
  if (checksum_of(*header_, std::string_view(base, bytes_).substr(sizeof(ShardHeader))) !=
      header_->checksum) {
    return fail("fails its checksum");
  }
  const Sections at = sections_of(*header_);
  rows_ = {reinterpret_cast<const ShardRow*>(base + at.rows), header_->rows};
  documents_ = {reinterpret_cast<const ShardDocument*>(base + at.documents), header_->documents};
  ids_ = {reinterpret_cast<const std::int32_t*>(base + at.ids), header_->tokens};
  mask_ = {reinterpret_cast<const std::uint8_t*>(base + at.mask), (header_->tokens + 7) / 8};
  reasons_ = {""};
  for (const char *text = base + at.reasons, *end = base + at.end; text < end;) {
    const std::size_t length = ::strnlen(text, static_cast<std::size_t>(end - text));
    reasons_.emplace_back(text, length);
    text += length + 1;
  }
  return check_contents() || fail("holds numbers that do not fit each other");
}

// The checksum guards against accidents; these bounds guard our reads against everything else.
bool TokenShard::check_contents() const {
  for (const ShardRow& row : rows_) {
    if (row.reason >= reasons_.size() || row.fate > Fate::kNotTaken) return false;
  }
  std::uint64_t next = 0;
  const ShardDocument* before = nullptr;
  for (const ShardDocument& document : documents_) {
    const bool goes_on =
        before != nullptr && document.row == before->row && document.piece == before->piece + 1;
    if (document.piece != 0 && !goes_on) return false;
    before = &document;
    if (document.first_token != next || document.tokens == 0 || document.row >= rows_.size()) return false;
    const bool pair = document.role == static_cast<std::uint32_t>(DocumentRole::kChosen);
    if (document.second >= document.tokens || pair != (document.second > 0)) return false;
    if (document.role > static_cast<std::uint32_t>(DocumentRole::kUndesirable)) return false;
    next += document.tokens;
    if (next > header_->tokens || num_trained(document) != document.trained_tokens) return false;
  }
  const auto negative = [](std::int32_t id) { return id < 0; };
  return next == header_->tokens && std::ranges::none_of(ids_, negative);
}

// As ShardBuilder counts: no first token of a side is a target.
std::uint64_t TokenShard::num_trained(const ShardDocument& document) const {
  const std::uint64_t end = document.first_token + document.tokens;
  std::uint64_t bit = document.first_token, count = 0;
  for (; bit < end && bit % 8 != 0; ++bit) count += mask_[bit / 8] >> (bit % 8) & 1;
  for (; bit + 8 <= end; bit += 8) count += static_cast<unsigned>(std::popcount(mask_[bit / 8]));
  for (; bit < end; ++bit) count += mask_[bit / 8] >> (bit % 8) & 1;
  count -= trained(document, 0) ? 1 : 0;
  return count - (document.second > 0 && trained(document, document.second) ? 1 : 0);
}

}  // namespace caravan::data
