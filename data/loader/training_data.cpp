#include "data/loader/training_data.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "data/chat/template_check.h"
#include "data/choice_name.h"
#include "data/error.h"
#include "data/loader/document_set.h"
#include "data/loader/mismatch.h"
#include "data/loader/token_cache.h"
#include "data/loader/tokenize.h"
#include "data/readers/detect.h"
#include "data/readers/file_list.h"
#include "data/sha256.h"

namespace caravan::data {
namespace {

// All that the tokens depend on beside the file.
std::string token_recipe(const DataOptions& options, const Tokenizer& tokenizer, const TokenSource& source) {
  const Json inputs{{"tokenizer", tokenizer.fingerprint()},
                    {"template", source.identity},
                    {"train_on", choice_name(options.train_on)},
                    {"max_length", options.max_length},
                    {"too_long", choice_name(options.too_long)}};
  return inputs.dump();
}

int thread_count(std::int64_t wanted) {
  if (wanted > 0) return static_cast<int>(wanted);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// The layout of a file's rows, which must be of the kind that the stage trains on.
RowFormat format_of(const SourceOptions& source, const std::string& path, RowKind kind) {
  if (source.format == RowFormat::kAuto) return detect_format(path, kind);
  if (kind_of(source.format) == kind) return source.format;
  constexpr const char* kWanted[] = {"examples to imitate: messages, sharegpt, alpaca or prompt_completion",
                                     "pairs: preference", "answers with a verdict: labelled"};
  throw Error(Error::Kind::kData, source.path + ": format: found " + format_name(source.format) +
                                      ", this stage trains on " + kWanted[static_cast<std::size_t>(kind)] +
                                      "; write that, or auto");
}

void check_too_long(const DataOptions& options, RowKind kind) {
  if (kind == RowKind::kExample || options.too_long != TooLong::kSplit) return;
  throw Error(Error::Kind::kData,
              "data.too_long: found split, which would part an answer from what it is compared with; allowed "
              "are drop, truncate_left, truncate_right and error");
}

std::string without_last_line_end(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

struct TrainingData::State {
  DocumentSet documents;
  std::vector<Mismatch> mismatches;  // of each document, where they were asked for
  Ledger ledger;
  std::int64_t tokens = 0;
  std::int64_t trained_tokens = 0;

  void add_sources(const DataOptions& options, const Tokenizer& tokenizer, const TokenSource& source,
                   const OpenOptions& open_options) {
    const ConversationTokenizer conversations(tokenizer, source.render,
                                              {options.train_on, options.max_length, options.too_long});
    CacheRequest request;
    request.cache_dir = options.cache_dir;
    request.recipe = token_recipe(options, tokenizer, source);
    request.threads = thread_count(options.threads);
    request.note = open_options.note;
    request.progress = open_options.progress;
    request.cancelled = open_options.cancelled;
    for (const SourceOptions& rows : options.sources) {
      for (const std::string& path : list_files(rows.path)) {
        request.file = path;
        request.format = format_of(rows, path, open_options.rows);
        documents.add_file(path, open_cache(request, conversations), ledger);
      }
      documents.end_source(rows, rows.seed.value_or(open_options.seed), ledger);
    }
    documents.finish();
  }

  void check() {
    for (const DocumentSize& size : documents.sizes()) {
      tokens += size.tokens;
      trained_tokens += size.trained_tokens;
    }
    if (trained_tokens == 0) {
      throw Error(Error::Kind::kData, "data: not one token can be trained on; what became of the rows:\n" +
                                          without_last_line_end(ledger.summary()));
    }
    ledger.check_balance(documents.documents().size(), static_cast<std::uint64_t>(tokens),
                         static_cast<std::uint64_t>(trained_tokens));
  }

  void add_mismatched(std::int64_t max_length) {
    mismatches = find_mismatches(documents, max_length);
    for (std::uint32_t d = 0; d < mismatches.size(); ++d)
      documents.add_tokens(d, mismatches[d].prompt_tokens + mismatches[d].answer_tokens,
                           mismatches[d].trained_tokens);
  }

  void append(std::uint32_t document, MicroBatch& batch) const {
    const StoredDocument stored = documents.stored(document);
    const DocumentRole role = stored.role;
    if (role == DocumentRole::kChosen) {
      append_side(document, role, 0, stored.second, batch);
      append_side(document, DocumentRole::kRejected, stored.second, stored.ids.size(), batch);
      return;
    }
    append_side(document, role, 0, stored.ids.size(), batch);
    if (!mismatches.empty()) append_mismatched(document, batch);
  }

  // Tokens `begin` to `end` of what the shard holds as one document.
  void append_side(std::uint32_t document, DocumentRole role, std::size_t begin, std::size_t end,
                   MicroBatch& batch) const {
    const StoredDocument stored = documents.stored(document);
    for (std::size_t t = begin; t < end; ++t) {
      const bool last = t + 1 == end;
      batch.ids.push_back(stored.ids[t]);
      batch.targets.push_back(last ? MicroBatch::kNoTarget : stored.ids[t + 1]);
      batch.weights.push_back(!last && stored.trained(t + 1) ? 1.0f : 0.0f);
      batch.positions.push_back(static_cast<std::int32_t>(t - begin));
    }
    end_side(document, role, batch);
  }

  // The document's prompt before another one's answer.
  void append_mismatched(std::uint32_t document, MicroBatch& batch) const {
    const Mismatch& mismatch = mismatches[document];
    const std::uint32_t length = mismatch.prompt_tokens + mismatch.answer_tokens;
    const StoredDocument own = documents.stored(document), other = documents.stored(mismatch.answer_of);
    const auto at = [&](std::uint32_t t) {
      return t < mismatch.prompt_tokens
                 ? std::pair(own.ids[t], false)
                 : std::pair(other.ids[mismatch.answer_begin + t - mismatch.prompt_tokens],
                             other.trained(mismatch.answer_begin + t - mismatch.prompt_tokens));
    };
    for (std::uint32_t t = 0; t < length; ++t) {
      const bool last = t + 1 == length;
      batch.ids.push_back(at(t).first);
      batch.targets.push_back(last ? MicroBatch::kNoTarget : at(t + 1).first);
      batch.weights.push_back(!last && at(t + 1).second ? 1.0f : 0.0f);
      batch.positions.push_back(static_cast<std::int32_t>(t));
    }
    end_side(document, DocumentRole::kMismatched, batch);
  }

  void end_side(std::uint32_t document, DocumentRole role, MicroBatch& batch) const {
    const Document& place = documents.documents()[document];
    const LedgerEntry& entry = ledger.entries()[place.ledger_row];
    batch.doc_starts.push_back(static_cast<std::int32_t>(batch.ids.size()));
    batch.documents.push_back({entry.file, entry.line});
    batch.document_indices.push_back(document);
    batch.roles.push_back(role);
    batch.margins.push_back(documents.stored(document).margin);
  }
};

TrainingData::TrainingData(std::unique_ptr<State> state) : state_(std::move(state)) {}
TrainingData::~TrainingData() = default;
TrainingData::TrainingData(TrainingData&&) noexcept = default;
TrainingData& TrainingData::operator=(TrainingData&&) noexcept = default;

TrainingData TrainingData::open(const DataOptions& options, const Tokenizer& tokenizer,
                                const TokenSource& source, const OpenOptions& open_options) {
  if (options.sources.empty())
    throw Error(Error::Kind::kData, "data.sources: found none, at least one is needed");
  if (options.cache_dir.empty())
    throw Error(Error::Kind::kData, "data.cache_dir: found nothing, a folder for the token cache is needed");
  check_too_long(options, open_options.rows);
  auto state = std::make_unique<State>();
  state->add_sources(options, tokenizer, source, open_options);
  state->check();
  if (open_options.mismatched) state->add_mismatched(options.max_length);
  return TrainingData(std::move(state));
}

TrainingData TrainingData::open(const DataOptions& options, const Tokenizer& tokenizer,
                                const ChatTemplate& chat_template, const OpenOptions& open_options) {
  RenderOptions render_options;
  render_options.now = open_options.today;
  check_template(chat_template, open_options.variables, options.train_on, render_options);
  TokenSource source;
  Json identity{{"template", chat_template.source()}, {"variables", open_options.variables}};
  // Only a template that prints the date makes other tokens tomorrow.
  if (open_options.today && chat_template.source().find("strftime_now") != std::string::npos) {
    identity["today"] = {open_options.today->year, open_options.today->month, open_options.today->day};
  }
  source.identity = identity.dump();
  source.render = [&](const Conversation& conversation) {
    return chat_template.render(conversation, open_options.variables, render_options);
  };
  return open(options, tokenizer, source, open_options);
}

std::size_t TrainingData::num_documents() const {
  return state_->documents.documents().size();
}
std::span<const DocumentSize> TrainingData::sizes() const {
  return state_->documents.sizes();
}
std::int64_t TrainingData::num_tokens() const {
  return state_->tokens;
}
std::int64_t TrainingData::num_trained_tokens() const {
  return state_->trained_tokens;
}
const Ledger& TrainingData::ledger() const {
  return state_->ledger;
}

std::string TrainingData::name_of(const SourceLine& where) const {
  LedgerEntry entry;
  entry.file = where.file;
  entry.line = where.line;
  return state_->ledger.place_of(entry);
}

std::string TrainingData::name_of(std::uint32_t document) const {
  return state_->ledger.place_of(
      state_->ledger.entries()[state_->documents.documents()[document].ledger_row]);
}

std::string TrainingData::fingerprint(std::uint32_t documents) const {
  const State& state = *state_;
  Sha256 hash;
  const auto add = [&](std::uint32_t document) {
    const StoredDocument stored = state.documents.stored(document);
    const Digest& checksum = stored.shard->header().checksum;
    hash.update(checksum.data(), sizeof checksum);
    hash.update(&stored.entry->first_token, sizeof stored.entry->first_token);
  };
  for (std::uint32_t d = 0; d < documents; ++d) {
    add(d);
    if (state.mismatches.empty()) continue;
    add(state.mismatches[d].answer_of);
    hash.update(&state.mismatches[d].answer_tokens, sizeof state.mismatches[d].answer_tokens);
  }
  return "sha256:" + hash.hex();
}

std::optional<std::uint32_t> TrainingData::first_without_margin() const {
  for (std::uint32_t d = 0; d < num_documents(); ++d)
    if (std::isnan(state_->documents.stored(d).margin)) return d;
  return std::nullopt;
}

BatchPlan TrainingData::plan(const PlanOptions& options) const {
  const State& state = *state_;
  auto order = [&state, options](std::int64_t epoch) {
    return state.documents.epoch_order(options.seed, epoch, options.shuffle, options.max_documents);
  };
  return BatchPlan(options, state.documents.sizes(), order,
                   [this](std::uint32_t document) { return name_of(document); });
}

MicroBatch TrainingData::micro_batch(const BatchPlan& plan, std::int64_t step, std::size_t index) const {
  return micro_batch(plan.micro_batches(step).at(index));
}

MicroBatch TrainingData::micro_batch(std::span<const std::uint32_t> documents) const {
  MicroBatch batch;
  std::size_t tokens = 0;
  for (const std::uint32_t document : documents) tokens += state_->documents.sizes()[document].tokens;
  batch.ids.reserve(tokens);
  batch.targets.reserve(tokens);
  batch.weights.reserve(tokens);
  batch.positions.reserve(tokens);
  batch.doc_starts.push_back(0);
  for (const std::uint32_t document : documents) state_->append(document, batch);
  return batch;
}

}  // namespace caravan::data
