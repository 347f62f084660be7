#include "data/loader/document_set.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/error.h"
#include "data/loader/order.h"
#include "data/loader/take_rows.h"
#include "data/readers/row_stream.h"

namespace caravan::data {
namespace {

// Salts keep the draws independent of each other and of that of take_rows.
enum Salt : std::uint64_t { kExtra = 2, kOrder = 3 };

}  // namespace

void DocumentSet::add_file(const std::string& path, CacheEntry entry, Ledger& ledger) {
  const std::uint32_t file = ledger.add_file(path, row_word(path));
  for (std::unique_ptr<TokenShard>& shard : entry.shards) {
    const std::size_t first_ledger_row = ledger.entries().size();
    if (first_ledger_row + shard->rows().size() > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(Error::Kind::kData, path + ": more than 4 billion rows in one run; split the run");
    }
    for (const ShardRow& row : shard->rows()) {
      ledger.add({row.line, file, row.tokens, row.trained_tokens, row.cut_tokens,
                  ledger.add_reason(shard->reasons()[row.reason]), 0, row.fate});
    }
    ledger.add_straddling(shard->header().straddling_tokens);
    const auto shard_index = static_cast<std::uint32_t>(shards_.size());
    for (std::uint32_t i = 0; i < shard->documents().size(); ++i) {
      const ShardDocument& document = shard->documents()[i];
      const auto ledger_row = static_cast<std::uint32_t>(first_ledger_row + document.row);
      if (document.piece == 0)
        rows_.push_back({shard->rows()[document.row].content, source_documents_.size(), 0, ledger_row});
      ++rows_.back().count;
      ledger.count_piece(ledger_row);
      source_documents_.push_back({shard_index, i, ledger_row});
    }
    shards_.push_back(std::move(shard));
  }
}

std::vector<std::uint32_t> DocumentSet::taken_rows(const SourceOptions& source, std::uint64_t seed,
                                                   Ledger& ledger) const {
  std::vector<std::uint64_t> keys;
  for (const Row& row : rows_) keys.push_back(row.key);
  std::vector<std::uint32_t> picked = take_rows(source, seed, std::move(keys));
  std::vector<bool> taken(rows_.size(), false);
  for (const std::uint32_t row : picked) taken[row] = true;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (!taken[i]) ledger.mark_not_taken(rows_[i].ledger_row);
  }
  return picked;
}

void DocumentSet::end_source(const SourceOptions& source, std::uint64_t seed, Ledger& ledger) {
  const std::size_t first = documents_.size();
  for (const std::uint32_t row : taken_rows(source, seed, ledger)) {
    for (std::size_t i = 0; i < rows_[row].count; ++i) {
      const Document& document = source_documents_[rows_[row].first + i];
      const ShardDocument& stored = shard(document).documents()[document.index];
      documents_.push_back(document);
      sizes_.push_back({stored.tokens, stored.trained_tokens});
      keys_.push_back(mix(rows_[row].key, stored.piece));
    }
  }
  sources_.push_back({first, documents_.size() - first, source.weight});
  rows_.clear();
  source_documents_.clear();
}

StoredDocument DocumentSet::stored(std::uint32_t document) const {
  const Document& place = documents_[document];
  const TokenShard& from = shard(place);
  const ShardDocument& entry = from.documents()[place.index];
  return {from.ids(entry), entry.second, static_cast<DocumentRole>(entry.role), entry.margin, &from, &entry};
}

void DocumentSet::add_tokens(std::uint32_t document, std::uint32_t tokens, std::uint32_t trained_tokens) {
  sizes_[document].tokens += tokens;
  sizes_[document].trained_tokens += trained_tokens;
}

void DocumentSet::finish() {
  number_copies(keys_);
}

std::vector<std::uint32_t> DocumentSet::epoch_order(std::uint64_t seed, std::int64_t epoch, bool shuffle,
                                                    std::optional<std::int64_t> most) const {
  const std::uint64_t draw = mix(seed, static_cast<std::uint64_t>(shuffle ? epoch : 0));
  std::vector<std::uint32_t> documents;
  std::vector<std::uint64_t> keys;
  const auto add = [&](std::size_t document, std::uint64_t copy) {
    if (most && static_cast<std::int64_t>(documents.size()) >= *most) return;
    documents.push_back(static_cast<std::uint32_t>(document));
    keys.push_back(copy == 0 ? keys_[document] : mix(keys_[document], ~copy));
  };
  for (const Source& source : sources_) {
    // The small addend keeps 0.3 of 10 from becoming 2 in binary arithmetic.
    const double copies = std::floor(source.weight);
    const auto extra =
        static_cast<std::size_t>((source.weight - copies) * static_cast<double>(source.count) + 1e-6);
    for (std::uint64_t copy = 0; copy < static_cast<std::uint64_t>(copies); ++copy) {
      for (std::size_t i = 0; i < source.count; ++i) add(source.first + i, copy);
    }
    const std::span<const std::uint64_t> source_keys(keys_.data() + source.first, source.count);
    for (const std::uint32_t i : pick(source_keys, mix(draw, kExtra), extra))
      add(source.first + i, static_cast<std::uint64_t>(copies));
  }
  if (!shuffle) return documents;
  std::vector<std::uint32_t> order = shuffled(keys, mix(draw, kOrder));
  for (std::uint32_t& place : order) place = documents[place];
  return order;
}

}  // namespace caravan::data
