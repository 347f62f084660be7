// Text to token ids and back. Implementations: byte-level and SentencePiece-style BPE from tokenizer.json, tiktoken ranks,
// SentencePiece models. All methods are const and safe to call from several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// A half-open range of bytes in a text.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const ByteRange&) const = default;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Ids of `text`, appended to `ids`. Special tokens are recognised only where their text lies wholly inside one of the
  // `trusted` ranges (sorted, disjoint): text of users and data never becomes a special token by accident. Adds no BOS or EOS.
  // `begins`, where given, receives per id the byte offset in `text` at which the token starts (for a token of
  // several normalised characters, the start of the first source character).
  virtual void encode(std::string_view text, std::span<const ByteRange> trusted, std::vector<std::int32_t>& ids,
                      std::vector<std::uint32_t>* begins = nullptr) const = 0;

  // The bytes of one token as they appear in decoded text; specials give their text.
  virtual std::string token_text(std::int32_t id) const = 0;
  // Text of `ids`, bytes that are no valid UTF-8 replaced by U+FFFD. Specials are left out on request.
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special = false) const = 0;

  virtual std::int32_t vocab_size() const = 0;
  virtual std::optional<std::int32_t> token_to_id(std::string_view token) const = 0;
  virtual bool is_special(std::int32_t id) const = 0;
  // Changes whenever ids could change: hash of every file that defines the tokenizer, in hex.
  virtual const std::string& fingerprint() const = 0;

  // Ids of plain text, nothing special in it; and with every special token recognised.
  std::vector<std::int32_t> encode_plain(std::string_view text) const;
  std::vector<std::int32_t> encode_special(std::string_view text) const;
};

// Reads tokenizer.json, tokenizer.model (SentencePiece or tiktoken) from a checkpoint directory, or one such file.
// Throws data::Error with the path and what was found.
std::unique_ptr<Tokenizer> load_tokenizer(const std::string& path);

}  // namespace caravan::data
