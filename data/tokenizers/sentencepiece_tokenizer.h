// SentencePiece models (tokenizer.model of Llama 2 and its kin), run by libsentencepiece itself: its ids are
// the reference.
//
// Control pieces such as <s> count only in trusted ranges; the text between two of them is encoded by itself,
// with the model's own leading space, as the Llama 2 code and the classic Hugging Face tokenizer do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/tokenizers/added_tokens.h"
#include "data/tokenizers/tokenizer.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace caravan::data {

class SentencePieceTokenizer : public Tokenizer {
 public:
  // `model`: the file's bytes; `added`: tokens beyond the model, or marks on tokens of it. Throws Error
  // (kData).
  SentencePieceTokenizer(const std::string& model, std::vector<AddedToken> added, std::string path,
                         std::string fingerprint);
  ~SentencePieceTokenizer() override;

  void encode(std::string_view text, std::span<const ByteRange> trusted, std::vector<std::int32_t>& ids,
              std::vector<std::uint32_t>* begins = nullptr) const override;
  std::string token_text(std::int32_t id) const override;
  std::string decode(std::span<const std::int32_t> ids, bool skip_special = false) const override;
  void append_token(std::int32_t id, DecodeState& state, std::string& bytes) const override;
  Replacement replacement() const override { return Replacement::kPerByte; }
  std::int32_t vocab_size() const override { return static_cast<std::int32_t>(pieces_.size()); }
  std::optional<std::int32_t> token_to_id(std::string_view token) const override;
  bool is_special(std::int32_t id) const override;
  const std::string& fingerprint() const override { return fingerprint_; }
  const Framing& framing() const override { return framing_; }

 private:
  struct Piece {
    std::string text;  // as it stands in decoded text
    bool special = false;
    bool exists = false;
    bool starts_with_mark = false;
  };
  void read_pieces();
  void add_tokens(const std::vector<AddedToken>& added);
  void encode_segment(std::string_view text, ByteRange segment, std::vector<std::int32_t>& ids,
                      std::vector<std::uint32_t>* begins) const;
  const Piece& piece(std::int32_t id) const;

  std::string path_;
  std::string fingerprint_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::vector<Piece> pieces_;
  std::vector<std::pair<std::string, std::int32_t>> added_ids_;
  std::unique_ptr<TokenMatcher> matcher_;
  bool drops_first_mark_ = false;
  Framing framing_;
};

}  // namespace caravan::data
