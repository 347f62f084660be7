#include "data/tokenizers/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "data/error.h"

namespace caravan::data {
namespace {

constexpr std::string_view kMark = "\xe2\x96\x81";  // U+2581, a space

// Why the library refuses the model; empty where it is loaded.
std::string load_processor(const std::string& model, sentencepiece::SentencePieceProcessor& processor) {
  try {
    const auto status = processor.LoadFromSerializedProto(model);
    return status.ok() ? "" : status.ToString();
  } catch (const std::exception& error) {
    // Its trie throws where a piece begins with a NUL.
    return error.what();
  }
}

std::string decode_pieces(const sentencepiece::SentencePieceProcessor& processor,
                          const std::vector<std::string>& pieces) {
  std::string text;
  (void)processor.Decode(pieces, &text);
  return text;
}

// The byte of a piece like <0x0A>.
char byte_of(const std::string& piece) {
  unsigned value = 0;
  std::from_chars(piece.data() + 3, piece.data() + piece.size() - 1, value, 16);
  return static_cast<char>(value);
}

}  // namespace

SentencePieceTokenizer::SentencePieceTokenizer(const std::string& model, std::vector<AddedToken> added,
                                               std::string path, std::string fingerprint)
    : path_(std::move(path)),
      fingerprint_(std::move(fingerprint)),
      processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()) {
  if (const std::string fault = load_processor(model, *processor_); !fault.empty()) {
    throw Error(Error::Kind::kData, path_ + ": neither a SentencePiece model nor tiktoken ranks (" +
                                        std::to_string(model.size()) + " bytes): " + fault);
  }
  if (decode_pieces(*processor_, {"a", "b" + std::string(kMark)}) == "ab") {
    throw Error(Error::Kind::kData, path_ + ": a model that treats spaces as suffixes is not supported");
  }
  drops_first_mark_ = decode_pieces(*processor_, {std::string(kMark) + "a"}) == "a";
  read_pieces();
  add_tokens(added);
  if (processor_->bos_id() >= 0) framing_.before = {processor_->bos_id()};
}

SentencePieceTokenizer::~SentencePieceTokenizer() = default;

void SentencePieceTokenizer::read_pieces() {
  pieces_.resize(static_cast<std::size_t>(processor_->GetPieceSize()));
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const int id = static_cast<int>(i);
    const std::string& name = processor_->IdToPiece(id);
    Piece& piece = pieces_[i];
    piece.exists = true;
    piece.special = processor_->IsControl(id) || processor_->IsUnknown(id);
    if (processor_->IsByte(id)) {
      piece.text = std::string(1, byte_of(name));
    } else if (processor_->IsUnknown(id)) {
      (void)processor_->Decode(std::vector<int>{id}, &piece.text);
    } else if (processor_->IsControl(id)) {
      piece.text = name;
    } else {
      piece.starts_with_mark = std::string_view(name).starts_with(kMark);
      for (std::size_t at = 0; at < name.size();) {
        const bool is_mark = std::string_view(name).substr(at).starts_with(kMark);
        piece.text += is_mark ? ' ' : name[at];
        at += is_mark ? kMark.size() : 1;
      }
    }
  }
}

void SentencePieceTokenizer::add_tokens(const std::vector<AddedToken>& added) {
  std::vector<AddedToken> sought = added;
  const std::size_t num_model_pieces = pieces_.size();
  for (const AddedToken& token : added) {
    const auto index = static_cast<std::size_t>(token.id);
    if (index < num_model_pieces && processor_->IdToPiece(token.id) != token.content) {
      throw Error(Error::Kind::kData, path_ + ": the added token \"" + token.content + "\" has the id " +
                                          std::to_string(token.id) + ", which belongs to \"" +
                                          processor_->IdToPiece(token.id) +
                                          "\"; repair tokenizer_config.json");
    }
    if (index >= pieces_.size()) pieces_.resize(index + 1);
    if (index >= num_model_pieces) pieces_[index] = {token.content, token.special, true, false};
    pieces_[index].special = pieces_[index].special || token.special;
  }
  for (std::size_t i = 0; i < num_model_pieces; ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const bool named = std::ranges::any_of(added, [id](const AddedToken& token) { return token.id == id; });
    if (!pieces_[i].special || named) continue;
    AddedToken token;
    token.id = id;
    token.content = processor_->IdToPiece(id);
    token.special = true;
    sought.push_back(std::move(token));
  }
  std::vector<std::string> patterns;
  for (const AddedToken& token : sought) {
    added_ids_.emplace_back(token.content, token.id);
    patterns.push_back(token.content);
  }
  matcher_ = std::make_unique<TokenMatcher>(std::move(sought), patterns);
}

void SentencePieceTokenizer::encode(std::string_view text, std::span<const ByteRange> trusted,
                                    std::vector<std::int32_t>& ids,
                                    std::vector<std::uint32_t>* begins) const {
  if (text.size() >= std::numeric_limits<std::int32_t>::max()) {
    throw Error(Error::Kind::kData, "text to tokenize: " + std::to_string(text.size()) +
                                        " bytes; at most 2147483646 are allowed: split the row");
  }
  require_valid_utf8(text);
  std::vector<TokenMatcher::Match> matches;
  if (matcher_->has_plain() || !trusted.empty()) matcher_->find(text, TrustedRanges(trusted), matches);
  std::size_t taken = 0;
  for (const TokenMatcher::Match& match : matches) {
    if (taken < match.range.begin) encode_segment(text, {taken, match.range.begin}, ids, begins);
    ids.push_back(match.id);
    if (begins) begins->push_back(static_cast<std::uint32_t>(match.range.begin));
    taken = match.range.end;
  }
  if (taken < text.size()) encode_segment(text, {taken, text.size()}, ids, begins);
}

void SentencePieceTokenizer::encode_segment(std::string_view text, ByteRange segment,
                                            std::vector<std::int32_t>& ids,
                                            std::vector<std::uint32_t>* begins) const {
  const absl::string_view part(text.data() + segment.begin, segment.end - segment.begin);
  if (!begins) {
    std::vector<int> found;
    const auto status = processor_->Encode(part, &found);
    if (!status.ok())
      throw Error(Error::Kind::kData, path_ + ": the model cannot encode a text: " + status.ToString());
    ids.insert(ids.end(), found.begin(), found.end());
    return;
  }
  const sentencepiece::ImmutableSentencePieceText encoded = processor_->EncodeAsImmutableProto(part);
  for (const auto& found : encoded.pieces()) {
    ids.push_back(static_cast<std::int32_t>(found.id()));
    begins->push_back(static_cast<std::uint32_t>(segment.begin) + found.begin());
  }
}

const SentencePieceTokenizer::Piece& SentencePieceTokenizer::piece(std::int32_t id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= pieces_.size() ||
      !pieces_[static_cast<std::size_t>(id)].exists) {
    throw Error(Error::Kind::kData, path_ + ": token id " + std::to_string(id) +
                                        " has no token; ids lie in 0.." + std::to_string(vocab_size() - 1));
  }
  return pieces_[static_cast<std::size_t>(id)];
}

std::string SentencePieceTokenizer::token_text(std::int32_t id) const {
  return piece(id).text;
}

// The model puts a space before every text, and its decoder takes one away.
void SentencePieceTokenizer::append_token(std::int32_t id, DecodeState& state, std::string& bytes) const {
  const Piece& token = piece(id);
  std::string_view text = token.text;
  if (state.at_start && drops_first_mark_ && token.starts_with_mark) {
    text.remove_prefix(1);
    state.at_start = false;
  }
  if (!text.empty()) state.at_start = false;
  bytes += text;
}

std::string SentencePieceTokenizer::decode(std::span<const std::int32_t> ids, bool skip_special) const {
  return decode_by_tokens(ids, skip_special);
}

std::optional<std::int32_t> SentencePieceTokenizer::token_to_id(std::string_view token) const {
  for (const auto& [name, id] : added_ids_) {
    if (name == token) return id;
  }
  const int id = processor_->PieceToId(absl::string_view(token.data(), token.size()));
  return processor_->IsUnknown(id) ? std::nullopt : std::optional<std::int32_t>(id);
}

bool SentencePieceTokenizer::is_special(std::int32_t id) const {
  return id >= 0 && static_cast<std::size_t>(id) < pieces_.size() &&
         pieces_[static_cast<std::size_t>(id)].special;
}

}  // namespace caravan::data
