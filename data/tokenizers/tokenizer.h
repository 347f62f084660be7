// Text to token ids and back. Implementations: byte-level and SentencePiece-style BPE from tokenizer.json,
// tiktoken ranks, SentencePiece models. All methods are const and safe to call from several threads.
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

// How ill-formed bytes of decoded tokens become U+FFFD: one for each maximal part of a character (Unicode's
// and Python's practice, for byte-level tokenizers), or one for each byte (SentencePiece's practice for
// byte-fallback tokens).
enum class Replacement { kPerPart, kPerByte };

// What decoding must remember from token to token; a new text starts with a new one.
struct DecodeState {
  bool at_start = true;      // nothing written yet
  std::size_t stripped = 0;  // leading characters taken away so far
};

// The ids that the file's post-processor puts around one text. encode() adds none of them: a chat template
// writes them itself.
struct Framing {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Ids of `text`, appended to `ids`. Special tokens are recognised only where their text lies wholly inside
  // one of the `trusted` ranges (sorted, disjoint): text of users and data never becomes a special token by
  // accident. Adds no BOS or EOS. `begins`, where given, receives per id the byte offset in `text` at which
  // the token starts (for a token of several normalised characters, the start of the first source character).
  // Throws Error (kData) where `text` is not valid UTF-8, or holds a character for which the tokenizer has no
  // token.
  virtual void encode(std::string_view text, std::span<const ByteRange> trusted,
                      std::vector<std::int32_t>& ids, std::vector<std::uint32_t>* begins = nullptr) const = 0;

  // The bytes of one token as they appear in decoded text; specials give their text.
  // Throws Error (kData) for an id without token, as decode() does.
  virtual std::string token_text(std::int32_t id) const = 0;
  // Text of `ids`, bytes that are no valid UTF-8 replaced by U+FFFD. Specials are left out on request.
  virtual std::string decode(std::span<const std::int32_t> ids, bool skip_special = false) const = 0;
  // One step of decode(): appends what `id` adds to the text, in bytes that need not end with a whole
  // character.
  virtual void append_token(std::int32_t id, DecodeState& state, std::string& bytes) const;
  virtual Replacement replacement() const { return Replacement::kPerPart; }

  // One past the largest id, added tokens included.
  virtual std::int32_t vocab_size() const = 0;
  virtual std::optional<std::int32_t> token_to_id(std::string_view token) const = 0;
  virtual bool is_special(std::int32_t id) const = 0;
  // Changes whenever ids could change: hash of every file that defines the tokenizer, in hex.
  virtual const std::string& fingerprint() const = 0;
  virtual const Framing& framing() const;

  // Ids of plain text, nothing special in it; and with every special token recognised.
  std::vector<std::int32_t> encode_plain(std::string_view text) const;
  std::vector<std::int32_t> encode_special(std::string_view text) const;

 protected:
  // decode() by append_token().
  std::string decode_by_tokens(std::span<const std::int32_t> ids, bool skip_special) const;
};

// Throws Error (kData) with the offset where `text` is not valid UTF-8.
void require_valid_utf8(std::string_view text);

// Reads a checkpoint directory (tokenizer.json, else tokenizer.model, else vocab.json + merges.txt or
// encoder.json + vocab.bpe), or one such file by its path. tokenizer.model may be SentencePiece's or tiktoken
// ranks, which are taken for Llama 3's. Throws Error with the path and what was found: kInputOutput where a
// file cannot be read, kData where it is not understood.
std::unique_ptr<Tokenizer> load_tokenizer(const std::string& path);

}  // namespace caravan::data
