#include "data/tokenizers/tiktoken.h"

#include <array>
#include <charconv>

#include "data/error.h"
#include "data/tokenizers/byte_alphabet.h"

namespace caravan::data {
namespace {

constexpr int kNotBase64 = -1;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : kNotBase64;
}

// Decodes strict base64 (padded to a multiple of four); false where it is none.
bool decode_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.empty() || text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  std::uint32_t bits = 0;
  int num_bits = 0;
  for (const char c : text.substr(0, text.size() - padding)) {
    const int value = base64_value(c);
    if (value == kNotBase64) return false;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffffu;
    num_bits += 6;
    if (num_bits < 8) continue;
    num_bits -= 8;
    bytes.push_back(static_cast<char>(bits >> num_bits));
  }
  return true;
}

struct Line {
  std::string bytes;
  std::int32_t rank;
};

bool read_line(std::string_view text, Line& line) {
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || !decode_base64(text.substr(0, space), line.bytes)) return false;
  const char* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data() + space + 1, end, line.rank);
  return problem == std::errc() && stop == end;
}

// Files hold raw bytes; the model wants them in the byte alphabet.
std::string to_alphabet(std::string_view bytes) {
  std::string name;
  for (const char byte : bytes) name += byte_to_alphabet(static_cast<std::uint8_t>(byte));
  return name;
}

// tiktoken merges any two neighbours whose bytes together are a token, lowest rank first. Written as pairs:
// every way to cut a token into two others, with the rank of the whole.
void make_merges(const Vocabulary& raw, BpeParts& parts) {
  for (std::int32_t id = 0; id < raw.end_id(); ++id) {
    const std::string_view token = raw.bytes(id);
    for (std::size_t cut = 1; cut < token.size(); ++cut) {
      const std::int32_t left = raw.find(token.substr(0, cut));
      const std::int32_t right = left == Vocabulary::kNone ? left : raw.find(token.substr(cut));
      if (right == Vocabulary::kNone) continue;
      parts.merges.push_back({left, right, static_cast<std::uint32_t>(id), id});
    }
  }
}

void add_llama3_specials(std::int32_t first_id, BpeParts& parts) {
  constexpr std::array<std::string_view, 11> kNamed = {"<|begin_of_text|>",
                                                       "<|end_of_text|>",
                                                       "<|reserved_special_token_0|>",
                                                       "<|reserved_special_token_1|>",
                                                       "<|finetune_right_pad_id|>",
                                                       "<|reserved_special_token_2|>",
                                                       "<|start_header_id|>",
                                                       "<|end_header_id|>",
                                                       "<|eom_id|>",
                                                       "<|eot_id|>",
                                                       "<|python_tag|>"};
  constexpr int kNumSpecials = 256, kFirstReserved = 3;
  for (int i = 0; i < kNumSpecials; ++i) {
    AddedToken token;
    token.id = first_id + i;
    token.special = true;
    const auto index = static_cast<std::size_t>(i);
    token.content = index < kNamed.size()
                        ? std::string(kNamed[index])
                        : "<|reserved_special_token_" +
                              std::to_string(i - static_cast<int>(kNamed.size()) + kFirstReserved) + "|>";
    parts.added.push_back(std::move(token));
  }
  parts.framing.before = {first_id};
}

}  // namespace

bool looks_like_tiktoken(std::string_view text) {
  Line line;
  return read_line(text.substr(0, text.find('\n')), line);
}

BpeParts read_tiktoken(std::string_view text, const std::string& path) {
  BpeParts parts;
  parts.where = path;
  Vocabulary raw;
  Line line;
  std::size_t number = 0;
  const auto refuse = [&](const std::string& what) {
    throw Error(Error::Kind::kData, path + ":" + std::to_string(number) + ": " + what);
  };
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.empty() || content == "\r") continue;
    if (!read_line(content, line))
      refuse("expected BASE64 RANK, found \"" + std::string(content.substr(0, 80)) + "\"");
    if (line.rank < 0 || line.rank > Vocabulary::kMaxId - 256)
      refuse("the rank " + std::to_string(line.rank) + " is out of range");
    const std::int32_t clash = raw.add(line.rank, line.bytes);
    if (clash == line.rank) refuse("the rank " + std::to_string(line.rank) + " was given before");
    if (clash != Vocabulary::kNone) refuse("the token has the rank " + std::to_string(clash) + " already");
    parts.names.add(line.rank, to_alphabet(line.bytes));
  }
  if (static_cast<std::size_t>(raw.end_id()) != raw.size()) {
    refuse("the ranks must be 0.." + std::to_string(raw.size() - 1) + " without gaps; the largest is " +
           std::to_string(raw.end_id() - 1) + ": the file is cut short or damaged");
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char character = static_cast<char>(byte);
    if (raw.find({&character, 1}) == Vocabulary::kNone)
      refuse("no rank for the single byte " + std::to_string(byte));
  }
  make_merges(raw, parts);
  parts.options.byte_level = true;
  parts.options.ignore_merges = true;  // tiktoken looks a whole word up first
  parts.pre_tokenizers.push_back(make_scanner_split(find_scanner(kLlama3Pattern)));
  parts.decode_steps.push_back({DecodeStep::Kind::kByteLevel, "", "", 0, false});
  add_llama3_specials(raw.end_id(), parts);
  return parts;
}

}  // namespace caravan::data
