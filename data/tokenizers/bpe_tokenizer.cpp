#include "data/tokenizers/bpe_tokenizer.h"

#include <algorithm>
#include <atomic>
#include <limits>

#include "data/error.h"
#include "data/tokenizers/byte_alphabet.h"
#include "data/tokenizers/unicode.h"
#include "data/tokenizers/word_cache.h"

namespace caravan::data {
namespace {

constexpr std::int32_t kNone = Vocabulary::kNone;

// A thread keeps the words of the tokenizers it used last.
class ThreadCaches {
 public:
  WordCache& of(std::uint64_t serial) {
    for (std::size_t i = 0; i < caches_.size(); ++i) {
      if (caches_[i].serial != serial) continue;
      if (i > 0) std::swap(caches_[i], caches_[0]);
      return *caches_[0].words;
    }
    if (caches_.size() == kMaxTokenizers) caches_.pop_back();
    caches_.insert(caches_.begin(), Cached{serial, std::make_unique<WordCache>()});
    return *caches_[0].words;
  }

 private:
  static constexpr std::size_t kMaxTokenizers = 4;
  struct Cached {
    std::uint64_t serial;
    std::unique_ptr<WordCache> words;
  };
  std::vector<Cached> caches_;
};

thread_local ThreadCaches thread_caches;

}  // namespace

// Appends to the caller's vectors; what an exception leaves unfinished is taken back.
struct BpeTokenizer::Output {
  Output(std::vector<std::int32_t>& ids, std::vector<std::uint32_t>* begins)
      : ids_(ids),
        begins_(begins),
        ids_before_(ids.size()),
        begins_before_(begins ? begins->size() : 0),
        count_(ids.size()) {}
  ~Output() {
    ids_.resize(done_ ? count_ : ids_before_);
    if (begins_ && !done_) begins_->resize(begins_before_);
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  bool wants_begins() const { return begins_ != nullptr; }
  void finish() { done_ = true; }

  void put_id(std::int32_t id) { *room() = id, ++count_; }
  // Copies the whole array of an entry and counts what is used of it: faster than a loop.
  template <class Entry>
  void put(const Entry& entry) {
    std::memcpy(room(), entry.ids, sizeof entry.ids);
    count_ += entry.view().size();
  }
  void put_begin(std::size_t begin) { begins_->push_back(static_cast<std::uint32_t>(begin)); }

 private:
  // Where the next ids go: at least 8 places.
  std::int32_t* room() {
    if (count_ + 8 > ids_.size()) [[unlikely]] {
      ids_.resize(std::max<std::size_t>(ids_.size() + ids_.size() / 2, count_ + 256));
    }
    return ids_.data() + count_;
  }

  std::vector<std::int32_t>& ids_;
  std::vector<std::uint32_t>* begins_;
  std::size_t ids_before_, begins_before_, count_;
  bool done_ = false;
};

struct BpeTokenizer::Call {
  std::string_view text;
  std::span<const ByteRange> trusted;
  Output output;
  WordCache& cache;
  std::vector<Symbol> symbols;
  std::vector<std::int32_t> ids;
};

BpeTokenizer::BpeTokenizer(BpeParts parts)
    : where_(std::move(parts.where)),
      names_(std::move(parts.names)),
      added_(std::move(parts.added)),
      normalizers_(std::move(parts.normalizers)),
      pre_tokenizers_(std::move(parts.pre_tokenizers)),
      framing_(std::move(parts.framing)),
      fingerprint_(std::move(parts.fingerprint)) {
  static std::atomic<std::uint64_t> next_serial{1};
  serial_ = next_serial.fetch_add(1);
  if (!pre_tokenizers_.empty() && pre_tokenizers_.back()->scanner()) {
    scanner_ = pre_tokenizers_.back()->scanner();
    pre_tokenizers_.pop_back();
  }
  add_tokens();
  make_model(parts);
  make_matchers();
  std::vector<std::int32_t> verbatim;
  for (const AddedToken& token : added_) verbatim.push_back(token.id);
  decoding_ = std::make_unique<Decoding>(parts.decode_steps, names_, verbatim);
}

void BpeTokenizer::add_tokens() {
  for (const AddedToken& token : added_) {
    const std::int32_t known = names_.find(token.content);
    const auto refuse = [&](const std::string& found) {
      throw Error(Error::Kind::kData, where_ + ": added token \"" + token.content + "\" has the id " +
                                          std::to_string(token.id) + ", but " + found +
                                          "; every token needs one id of its own: repair the file");
    };
    if (known != kNone && known != token.id) refuse("the vocabulary gives it " + std::to_string(known));
    if (known == kNone) {
      if (names_.has(token.id)) refuse("that id belongs to \"" + std::string(names_.bytes(token.id)) + "\"");
      names_.add(token.id, token.content, false);
    }
    added_ids_.emplace(token.content, token.id);
  }
  special_.assign(static_cast<std::size_t>(names_.end_id()), false);
  for (const AddedToken& token : added_) special_[static_cast<std::size_t>(token.id)] = token.special;
}

// Plain text must not merge into a special token, so merges that make one are left out where nothing is built
// upon them.
void BpeTokenizer::make_model(BpeParts& parts) {
  std::vector<bool> is_part(special_.size());
  for (const MergeTable::Merge& merge : parts.merges) {
    is_part[static_cast<std::size_t>(merge.left)] = is_part[static_cast<std::size_t>(merge.right)] = true;
  }
  MergeTable table(parts.merges.size());
  for (const MergeTable::Merge& merge : parts.merges) {
    const auto merged = static_cast<std::size_t>(merge.merged);
    if (!special_[merged] || is_part[merged]) table.set(merge);
  }
  model_ = std::make_unique<BpeModel>(parts.options, names_, words_, std::move(table));
  find_words(parts.options);
}

// The words that are tokens as a whole: all tokens where merges are ignored, else those that their own merges
// make.
void BpeTokenizer::find_words(const BpeOptions& options) {
  if (!options.ignore_merges && !model_->encodes_everything()) return;
  words_.reserve(names_.size(), names_.size() * 8);
  whole_words_ = ShortWordTable(names_.size());
  std::vector<Symbol> symbols;
  for (std::int32_t id = 0; id < names_.end_id(); ++id) {
    if (!names_.has(id) || special_[static_cast<std::size_t>(id)] || names_.find(names_.bytes(id)) != id)
      continue;
    const auto word =
        options.byte_level ? alphabet_to_bytes(names_.bytes(id)) : std::string(names_.bytes(id));
    if (!word || word->empty()) continue;
    if (options.ignore_merges) {
      words_.add(id, *word);
    } else if (word->size() > ShortWord::kMaxBytes || !model_->encode(*word, symbols) ||
               symbols.size() != 1 || symbols[0].id != id) {
      continue;
    }
    if (word->size() <= ShortWord::kMaxBytes) {
      whole_words_.insert(ShortWord::make(word->data(), word->size(), word->size()), id);
    }
  }
}

void BpeTokenizer::make_matchers() {
  std::vector<AddedToken> raw, normalized;
  std::vector<std::string> raw_patterns, normalized_patterns;
  for (const AddedToken& token : added_) {
    if (!token.normalized) {
      raw.push_back(token);
      raw_patterns.push_back(token.content);
    } else {
      MappedText text(token.content, 0, false);
      for (const auto& normalizer : normalizers_) normalizer->apply(text);
      normalized.push_back(token);
      normalized_patterns.emplace_back(text.view());
    }
  }
  raw_matcher_ = std::make_unique<TokenMatcher>(std::move(raw), raw_patterns);
  normalized_matcher_ = std::make_unique<TokenMatcher>(std::move(normalized), normalized_patterns);
}

void BpeTokenizer::encode(std::string_view text, std::span<const ByteRange> trusted,
                          std::vector<std::int32_t>& ids, std::vector<std::uint32_t>* begins) const {
  if (text.size() >= std::numeric_limits<std::int32_t>::max()) {
    throw Error(Error::Kind::kData, "text to tokenize: " + std::to_string(text.size()) +
                                        " bytes; at most 2147483646 are allowed: split the row");
  }
  require_valid_utf8(text);
  Call call{text, trusted, Output(ids, begins), thread_caches.of(serial_), {}, {}};
  std::vector<TokenMatcher::Match> matches;
  if (raw_matcher_->has_plain() || !trusted.empty())
    raw_matcher_->find(text, TrustedRanges(trusted), matches);
  std::size_t taken = 0;
  for (const TokenMatcher::Match& match : matches) {
    if (taken < match.range.begin) encode_segment(call, {taken, match.range.begin});
    call.output.put_id(match.id);
    if (begins) call.output.put_begin(match.range.begin);
    taken = match.range.end;
  }
  if (taken < text.size()) encode_segment(call, {taken, text.size()});
  call.output.finish();
}

void BpeTokenizer::encode_segment(Call& call, ByteRange segment) const {
  const bool seeks =
      normalized_matcher_->has_plain() || (!normalized_matcher_->is_empty() && !call.trusted.empty());
  MappedText text(call.text.substr(segment.begin, segment.end - segment.begin), segment.begin,
                  call.output.wants_begins() || seeks);
  for (const auto& normalizer : normalizers_) normalizer->apply(text);
  if (!seeks) return encode_words(call, text);
  std::vector<TokenMatcher::Match> matches;
  TrustedRanges trusted(call.trusted);
  const auto is_trusted = [&](std::size_t begin, std::size_t end) {
    return trusted(text.origin(begin), text.origin(end));
  };
  normalized_matcher_->find(text.view(), is_trusted, matches);
  const auto encode_part = [&](ByteRange part) {
    if (part.begin >= part.end) return;
    MappedText inner(text, part);
    encode_words(call, inner);
  };
  std::size_t taken = 0;
  for (const TokenMatcher::Match& match : matches) {
    encode_part({taken, match.range.begin});
    call.output.put_id(match.id);
    if (call.output.wants_begins()) call.output.put_begin(text.origin(match.range.begin));
    taken = match.range.end;
  }
  encode_part({taken, text.view().size()});
}

void BpeTokenizer::encode_words(Call& call, MappedText& text) const {
  for (const auto& step : pre_tokenizers_) step->apply(text);
  for (const ByteRange piece : text.pieces()) encode_piece(call, text, piece);
}

// Words are found some ahead of their look-up, so that the cache's memory is on its way meanwhile.
void BpeTokenizer::encode_piece(Call& call, const MappedText& text, ByteRange piece) const {
  constexpr std::size_t kAhead = 16;
  Word words[kAhead];
  const char* const readable_end = text.view().data() + text.view().size();
  const char* const end = text.view().data() + piece.end;
  const char* p = text.view().data() + piece.begin;
  while (p < end) {
    std::size_t count = 0;
    for (; count < kAhead && p < end; ++count) {
      const char* const next = next_word(p, end);
      const auto num_bytes = static_cast<std::size_t>(next - p);
      words[count].text = {p, num_bytes};
      if (num_bytes <= ShortWord::kMaxBytes) [[likely]] {
        words[count].key = ShortWord::make(p, num_bytes, static_cast<std::size_t>(readable_end - p));
        call.cache.prefetch(words[count].key);
      }
      p = next;
    }
    for (std::size_t i = 0; i < count; ++i) encode_word(call, text, words[i]);
  }
}

void BpeTokenizer::encode_word(Call& call, const MappedText& text, const Word& word) const {
  if (word.text.size() > ShortWord::kMaxBytes) {
    encode_long_word(call, text, word.text);
    return;
  }
  const auto at = static_cast<std::size_t>(word.text.data() - text.view().data());
  if (const WordCache::ShortEntry* entry = call.cache.find(word.key)) [[likely]] {
    call.output.put(*entry);
    return put_begins(call, text, at, entry->view());
  }
  const std::int32_t id = whole_words_.find(word.key);
  if (id != kNone) {
    call.cache.insert(word.key, {&id, 1});
    call.output.put_id(id);
    return put_begins(call, text, at, {&id, 1});
  }
  if (encode_long_word(call, text, word.text) && call.ids.size() <= WordCache::kMaxShortIds) {
    call.cache.insert(word.key, call.ids);
  }
}

// A long word, or a short one of many tokens. Returns whether it was merged anew and its ids, in `call.ids`,
// may be kept.
bool BpeTokenizer::encode_long_word(Call& call, const MappedText& text, std::string_view word) const {
  const auto at = static_cast<std::size_t>(word.data() - text.view().data());
  const bool may_keep = word.size() <= WordCache::kMaxLongBytes;
  if (may_keep) {
    if (const WordCache::LongEntry* entry = call.cache.find_long(word)) {
      call.output.put(*entry);
      put_begins(call, text, at, entry->view());
      return false;
    }
  }
  if (!merge_word(call, text, word)) return false;
  const bool is_short = word.size() <= ShortWord::kMaxBytes && call.ids.size() <= WordCache::kMaxShortIds;
  if (may_keep && !is_short && call.ids.size() <= WordCache::kMaxLongIds)
    call.cache.insert_long(word, call.ids);
  return true;
}

// The offsets of tokens that are as long as their text.
void BpeTokenizer::put_begins(Call& call, const MappedText& text, std::size_t at,
                              std::span<const std::int32_t> ids) const {
  if (!call.output.wants_begins()) return;
  for (const std::int32_t id : ids) {
    call.output.put_begin(text.origin(at));
    at += model_->symbol_bytes(id);
  }
}

// Merges a word that no cache knows; leaves its ids in `call.ids`. Returns whether they may be kept.
bool BpeTokenizer::merge_word(Call& call, const MappedText& text, std::string_view word) const {
  const auto at = static_cast<std::size_t>(word.data() - text.view().data());
  const bool exact = model_->encode(word, call.symbols);
  call.ids.clear();
  for (const Symbol& symbol : call.symbols) {
    call.ids.push_back(symbol.id);
    call.output.put_id(symbol.id);
    if (call.output.wants_begins()) call.output.put_begin(text.origin(at + symbol.begin));
  }
  return exact;
}

void BpeTokenizer::require_id(std::int32_t id) const {
  if (names_.has(id)) return;
  throw Error(Error::Kind::kData, where_ + ": token id " + std::to_string(id) +
                                      " has no token; ids lie in 0.." + std::to_string(names_.end_id() - 1) +
                                      " and some may be unused");
}

std::string BpeTokenizer::token_text(std::int32_t id) const {
  require_id(id);
  return std::string(decoding_->bytes(id));
}

void BpeTokenizer::append_token(std::int32_t id, DecodeState& state, std::string& bytes) const {
  require_id(id);
  decoding_->append(id, state, bytes);
}

std::string BpeTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  return decode_by_tokens(ids, skip_special);
}

std::optional<std::int32_t> BpeTokenizer::token_to_id(std::string_view token) const {
  const auto added = added_ids_.find(std::string(token));
  if (added != added_ids_.end()) return added->second;
  const std::int32_t id = names_.find(token);
  return id == kNone ? std::nullopt : std::optional(id);
}

bool BpeTokenizer::is_special(std::int32_t id) const {
  return id >= 0 && static_cast<std::size_t>(id) < special_.size() && special_[static_cast<std::size_t>(id)];
}

}  // namespace caravan::data
