// The documents of all sources after take, with their order per epoch. Private to the loader.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/loader/batch_plan.h"
#include "data/loader/ledger.h"
#include "data/loader/token_cache.h"
#include "data/source_options.h"

namespace caravan::data {

struct Document {
  std::uint32_t shard;       // index into DocumentSet::shard
  std::uint32_t index;       // of the document in the shard
  std::uint32_t ledger_row;  // index into the ledger's entries
};

// A document where it lies in its shard.
struct StoredDocument {
  std::span<const std::int32_t> ids;
  std::uint32_t second;  // of a pair: where its rejected side begins
  DocumentRole role;
  float margin;  // NaN: its row does not say
  const TokenShard* shard;
  const ShardDocument* entry;
  bool trained(std::size_t at) const { return shard->trained(*entry, at); }
};

class DocumentSet {
 public:
  // One file of the current source; every row of it gets its entry in the ledger.
  void add_file(const std::string& path, CacheEntry entry, Ledger& ledger);
  // Ends the current source: applies take (rows are picked by `seed` and their content) and remembers the
  // weight. Throws data::Error where take asks for more rows than can be trained on, or for none.
  void end_source(const SourceOptions& source, std::uint64_t seed, Ledger& ledger);

  // After the last source, before epoch_order.
  void finish();

  std::span<const Document> documents() const { return documents_; }
  std::span<const DocumentSize> sizes() const { return sizes_; }
  StoredDocument stored(std::uint32_t document) const;
  // A number of each document that depends on its content only; copies have other ones. After finish.
  std::span<const std::uint64_t> keys() const { return keys_; }
  // Of what is put behind a document.
  void add_tokens(std::uint32_t document, std::uint32_t tokens, std::uint32_t trained_tokens);

  // Documents of an epoch. Each source gives weight times its documents, rounded down: whole copies, and for
  // the rest documents picked anew each epoch. With `most`, only the first of the sources' order.
  std::vector<std::uint32_t> epoch_order(std::uint64_t seed, std::int64_t epoch, bool shuffle,
                                         std::optional<std::int64_t> most) const;

 private:
  const TokenShard& shard(const Document& document) const { return *shards_[document.shard]; }
  struct Source {
    std::size_t first, count;  // documents
    double weight;
  };
  struct Row {
    std::uint64_t key;
    std::size_t first, count;  // documents
    std::uint32_t ledger_row;
  };
  std::vector<std::uint32_t> taken_rows(const SourceOptions& source, std::uint64_t seed,
                                        Ledger& ledger) const;

  std::vector<std::unique_ptr<TokenShard>> shards_;
  std::vector<Source> sources_;
  std::vector<Document> documents_;
  std::vector<DocumentSize> sizes_;
  std::vector<std::uint64_t> keys_;  // per document, by content; copies numbered by finish()

  // Of the source that is being added.
  std::vector<Row> rows_;
  std::vector<Document> source_documents_;
};

}  // namespace caravan::data
