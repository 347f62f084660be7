// Rows of text to micro-batches of tokens: the whole way from the recipe's `data` section, behind one class.
// The same class serves held-out evaluation sets.
//
// Goals: every source row has one fate in the ledger and the totals balance; tokens come from a
// content-addressed cache, so a second start reads nothing but hashes; any (step, index) of a plan can be
// fetched at any time. A pair is one document to the plan, so its sides are never parted: they count, are
// shuffled and packed as one, and stand side by side in a micro-batch. Non-goals: ranks, tensors, curation of
// rows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "data/chat/template.h"
#include "data/data_options.h"
#include "data/loader/batch_plan.h"
#include "data/loader/ledger.h"
#include "data/loader/micro_batch.h"
#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

struct OpenOptions {
  RowKind rows = RowKind::kExample;  // what the stage trains on
  // Behind each document its mismatched one (mismatch.h), of the same index. Throws where there is none.
  bool mismatched = false;
  std::uint64_t seed = 0;     // run.seed: picks the rows of `take` where a source has no seed of its own
  Json variables;             // template variables: bos_token, eos_token, ...; object or null
  std::optional<Date> today;  // for templates that print the date; such a template without it is an error
  std::function<void(const std::string&)> note;  // warnings for the user (a rebuilt shard, ...); may be empty
  std::function<void(std::uint64_t done_bytes, std::uint64_t all_bytes)>
      progress;  // called now and then; may be empty
  std::function<bool()>
      cancelled;  // true: leave with Error kInterrupted; what is complete stays in the cache
};

// How a conversation becomes text; `identity` changes whenever the text could.
struct TokenSource {
  std::function<Rendered(const Conversation&)> render;  // called from several threads
  std::string identity;
};

class TrainingData {
 public:
  // `options.threads` build the cache (its bytes do not depend on how many) in options.cache_dir, which must
  // be set. Reads, renders, masks and tokenizes the sources of `options` (or finds them in the cache). Throws
  // data::Error: files that are missing or unreadable, a layout that is not recognised, a template that must
  // not be trained with, rows longer than max_length under too_long: error, take of more rows than there are,
  // zero trained tokens, an unbalanced ledger.
  static TrainingData open(const DataOptions& options, const Tokenizer& tokenizer,
                           const ChatTemplate& chat_template, const OpenOptions& open_options = {});
  static TrainingData open(const DataOptions& options, const Tokenizer& tokenizer, const TokenSource& source,
                           const OpenOptions& open_options = {});
  ~TrainingData();
  TrainingData(TrainingData&&) noexcept;
  TrainingData& operator=(TrainingData&&) noexcept;

  std::size_t num_documents() const;
  std::span<const DocumentSize> sizes() const;  // of each document; both sides of it together
  std::int64_t num_tokens() const;              // of one epoch
  std::int64_t num_trained_tokens() const;      // of one epoch
  const Ledger& ledger() const;
  // "chats.jsonl:17" for messages.
  std::string name_of(const SourceLine& where) const;
  std::string name_of(std::uint32_t document) const;

  // Names the tokens and masks of the first `documents` in their order, by the checksums of the shards they
  // lie in and their places there: the same rows of another file have another one. Reads no tokens.
  std::string fingerprint(std::uint32_t documents) const;
  // The first pair whose row does not say by how much its chosen answer is the better one.
  std::optional<std::uint32_t> first_without_margin() const;

  // The plan refers to what this object holds, which must outlive it. Throws data::Error as BatchPlan does.
  BatchPlan plan(const PlanOptions& options) const;
  // Copies the tokens of one micro-batch. Safe to call from several threads. `index` <
  // plan.micro_batches(step).size().
  MicroBatch micro_batch(const BatchPlan& plan, std::int64_t step, std::size_t index) const;
  MicroBatch micro_batch(std::span<const std::uint32_t> documents) const;

 private:
  struct State;
  explicit TrainingData(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace caravan::data
