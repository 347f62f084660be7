// One shard of the token cache: the documents made of one block of rows, in a file that is read by mapping
// it.
//
// Layout, little-endian: header (ShardHeader), rows (ShardRow), documents (ShardDocument), ids (int32 per
// token), mask (one bit per token, lowest first), reasons (each ended by a zero byte). Every section starts
// on 8 bytes; the gap is zero. The checksum is XXH3-128 over all bytes of the file with the checksum field as
// zeros, so the same rows always give the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/loader/ledger.h"
#include "data/loader/tokenize.h"

namespace caravan::data {

// What a cache holds, as 128 bits of XXH3.
using Digest = std::array<std::uint64_t, 2>;
Digest digest_of(std::string_view bytes);
std::string to_hex(const Digest& digest);

struct ShardHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t index;  // of the shard in its file
  Digest key;           // of the cache entry
  Digest checksum;
  std::uint64_t rows, documents, tokens, reason_bytes;
  std::uint64_t straddling_tokens;
};

struct ShardRow {
  std::uint64_t line;
  std::uint64_t content;  // hash of the row's bytes: the same row is the same number wherever it stands
  std::uint32_t tokens;
  std::uint32_t trained_tokens;
  std::uint32_t cut_tokens;
  std::uint16_t reason;  // index into the reasons of the shard; 0: none
  Fate fate;
  std::uint8_t unused;
};

struct ShardDocument {
  std::uint64_t first_token;
  std::uint32_t tokens;
  std::uint32_t trained_tokens;
  std::uint32_t row;     // index into the rows of the shard
  std::uint32_t piece;   // of the row
  std::uint32_t second;  // of a pair, which is one document here: where its rejected side begins; else 0
  std::uint32_t role;    // DocumentRole; kChosen: a pair
  float margin;          // of a pair, where its row says so; else NaN
  std::uint32_t unused;
};

// Gathers rows in order and gives the bytes of the file.
class ShardBuilder {
 public:
  void clear();
  void add(std::uint64_t line, std::string_view row_bytes, const TokenizedRow& row);
  std::string finish(const Digest& key, std::uint32_t index) const;

 private:
  std::uint16_t add_reason(const std::string& reason);

  std::vector<ShardRow> rows_;
  std::vector<ShardDocument> documents_;
  std::vector<std::int32_t> ids_;
  std::vector<std::uint8_t> mask_;
  std::vector<std::string> reasons_;
  std::map<std::string, std::uint16_t> reason_index_;
  std::uint64_t straddling_tokens_ = 0;
};

// A mapped shard; the file may be replaced or removed meanwhile. Safe to read from several threads.
class TokenShard {
 public:
  // Nothing where the file is missing, has another key or index, is cut, or fails its checksum; `why` then
  // says which.
  static std::unique_ptr<TokenShard> open(const std::string& path, const Digest& key, std::uint32_t index,
                                          std::string& why);
  ~TokenShard();
  TokenShard(const TokenShard&) = delete;
  TokenShard& operator=(const TokenShard&) = delete;

  const ShardHeader& header() const { return *header_; }
  std::span<const ShardRow> rows() const { return rows_; }
  std::span<const ShardDocument> documents() const { return documents_; }
  const std::vector<std::string>& reasons() const { return reasons_; }
  std::span<const std::int32_t> ids(const ShardDocument& document) const {
    return ids_.subspan(document.first_token, document.tokens);
  }
  bool trained(const ShardDocument& document, std::size_t at) const {
    const std::uint64_t bit = document.first_token + at;
    return (mask_[bit / 8] >> (bit % 8) & 1) != 0;
  }

 private:
  TokenShard(void* memory, std::size_t bytes) : memory_(memory), bytes_(bytes) {}
  bool check(const Digest& key, std::uint32_t index, std::string& why);
  bool check_contents() const;
  std::uint64_t num_trained(const ShardDocument& document) const;

  void* memory_;
  std::size_t bytes_;
  const ShardHeader* header_ = nullptr;
  std::span<const ShardRow> rows_;
  std::span<const ShardDocument> documents_;
  std::span<const std::int32_t> ids_;
  std::span<const std::uint8_t> mask_;
  std::vector<std::string> reasons_;
};

}  // namespace caravan::data
