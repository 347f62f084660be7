// The tokenizer that most checkpoints carry: added tokens, normalizer, pre-tokenizer, byte-pair encoding,
// decoder.
//
// Goals: the ids of Hugging Face's tokenizers and of tiktoken, tens of megabytes a second on a cold start,
// linear on hostile text. Text that no step changes is never copied; words seen before come from a small
// cache of each thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "data/tokenizers/added_tokens.h"
#include "data/tokenizers/bpe_model.h"
#include "data/tokenizers/decoding.h"
#include "data/tokenizers/normalizer.h"
#include "data/tokenizers/pre_tokenizer.h"
#include "data/tokenizers/tokenizer.h"
#include "data/tokenizers/word_cache.h"

namespace caravan::data {

// What a tokenizer is made of, however its file writes it.
struct BpeParts {
  std::string where;                      // the file, for messages
  Vocabulary names;                       // tokens of the model, as the file writes them
  std::vector<MergeTable::Merge> merges;  // equal ranks: the leftmost pair of a word first
  BpeOptions options;
  std::vector<AddedToken> added;
  std::vector<std::unique_ptr<Normalizer>> normalizers;
  std::vector<std::unique_ptr<PreTokenizer>> pre_tokenizers;
  std::vector<DecodeStep> decode_steps;
  Framing framing;
  std::string fingerprint;
};

class BpeTokenizer : public Tokenizer {
 public:
  // Throws Error (kData) where an added token disagrees with the vocabulary.
  explicit BpeTokenizer(BpeParts parts);

  void encode(std::string_view text, std::span<const ByteRange> trusted, std::vector<std::int32_t>& ids,
              std::vector<std::uint32_t>* begins = nullptr) const override;
  std::string token_text(std::int32_t id) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special = false) const override;
  void append_token(std::int32_t id, DecodeState& state, std::string& bytes) const override;
  Replacement replacement() const override { return decoding_->replacement(); }
  std::int32_t vocab_size() const override { return names_.end_id(); }
  std::optional<std::int32_t> token_to_id(std::string_view token) const override;
  bool is_special(std::int32_t id) const override;
  const std::string& fingerprint() const override { return fingerprint_; }
  const Framing& framing() const override { return framing_; }

 private:
  struct Output;  // where ids go
  struct Call;    // one call of encode()
  struct Word {
    std::string_view text;
    ShortWord key;  // where the text is short
  };

  void add_tokens();
  void make_model(BpeParts& parts);
  void find_words(const BpeOptions& options);
  void make_matchers();
  void encode_segment(Call& call, ByteRange segment) const;
  void encode_words(Call& call, MappedText& text) const;
  void encode_piece(Call& call, const MappedText& text, ByteRange piece) const;
  const char* next_word(const char* begin, const char* end) const {
    if (scanner_) return scanner_(begin, end);
    return model_->has_mark_cuts() ? model_->next_part(begin, end) : end;
  }
  void encode_word(Call& call, const MappedText& text, const Word& word) const;
  bool encode_long_word(Call& call, const MappedText& text, std::string_view word) const;
  bool merge_word(Call& call, const MappedText& text, std::string_view word) const;
  void put_begins(Call& call, const MappedText& text, std::size_t at,
                  std::span<const std::int32_t> ids) const;
  void require_id(std::int32_t id) const;

  std::string where_;
  Vocabulary names_;            // model and added tokens; find() knows those of the model
  Vocabulary words_;            // tokens as they stand in text, for ignore_merges
  ShortWordTable whole_words_;  // the short ones of words_
  std::unordered_map<std::string, std::int32_t> added_ids_;
  std::vector<bool> special_;
  std::vector<AddedToken> added_;
  std::vector<std::unique_ptr<Normalizer>> normalizers_;
  std::vector<std::unique_ptr<PreTokenizer>> pre_tokenizers_;  // but for the last one where it is a scanner
  NextWord scanner_ = nullptr;
  std::unique_ptr<BpeModel> model_;
  std::unique_ptr<TokenMatcher> raw_matcher_;         // in the text as given
  std::unique_ptr<TokenMatcher> normalized_matcher_;  // in normalized text
  std::unique_ptr<Decoding> decoding_;
  Framing framing_;
  std::string fingerprint_;
  std::uint64_t serial_;  // tells caches of different tokenizers apart
};

}  // namespace caravan::data
