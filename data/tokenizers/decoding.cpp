#include "data/tokenizers/decoding.h"

#include <optional>

#include "data/tokenizers/byte_alphabet.h"

namespace caravan::data {
namespace {

using Kind = DecodeStep::Kind;

void replace_all(std::string& text, std::string_view pattern, std::string_view content) {
  for (std::size_t at = text.find(pattern); at != std::string::npos;
       at = text.find(pattern, at + content.size())) {
    text.replace(at, pattern.size(), content);
  }
}

// The byte of a name like <0x0A>.
std::optional<char> fallback_byte(std::string_view name) {
  if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>') return std::nullopt;
  int value = 0;
  for (const char digit : name.substr(3, 2)) {
    const bool decimal = digit >= '0' && digit <= '9';
    const int lower = digit | 0x20;
    if (!decimal && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = value * 16 + (decimal ? digit - '0' : lower - 'a' + 10);
  }
  return static_cast<char>(value);
}

}  // namespace

Decoding::Decoding(const std::vector<DecodeStep>& chain, const Vocabulary& names,
                   const std::vector<std::int32_t>& verbatim) {
  separator_ = chain.empty() ? " " : "";
  bool fused = false;
  for (const DecodeStep& step : chain) {
    fused = fused || step.kind == Kind::kFuse;
    if (step.kind == Kind::kByteFallback) replacement_ = Replacement::kPerByte;
    if (step.kind == Kind::kByteLevel) replacement_ = Replacement::kPerPart;
    if (step.kind == Kind::kMetaspace && step.drops_first_marks) first_mark_ = step.pattern;
    if (step.kind == Kind::kStrip && fused) {
      stripped_character_ = step.pattern;
      strip_start_ = step.strip_start;
    }
  }
  verbatim_.assign(static_cast<std::size_t>(names.end_id()), false);
  for (const std::int32_t id : verbatim) verbatim_[static_cast<std::size_t>(id)] = true;
  for (std::int32_t id = 0; id < names.end_id(); ++id) {
    if (!names.has(id)) continue;
    const std::string_view name = names.bytes(id);
    if (verbatim_[static_cast<std::size_t>(id)]) {
      table_.add(id, name, false);
    } else {
      table_.add(id, decode_token(chain, name), false);
    }
  }
}

std::string Decoding::decode_token(const std::vector<DecodeStep>& chain, std::string_view name) const {
  std::string text(name);
  bool fused = false;
  for (const DecodeStep& step : chain) {
    switch (step.kind) {
      case Kind::kByteFallback:
        if (const auto byte = fallback_byte(text)) return std::string(1, *byte);
        break;
      case Kind::kByteLevel:
        if (auto bytes = alphabet_to_bytes(text)) return *bytes;
        break;
      case Kind::kReplace:
        replace_all(text, step.pattern, step.content);
        break;
      case Kind::kMetaspace:
        replace_all(text, step.pattern, " ");
        break;
      case Kind::kFuse:
        fused = true;
        break;
      case Kind::kStrip:
        for (std::size_t i = 0; !fused && i < step.strip_start && text.starts_with(step.pattern); ++i) {
          text.erase(0, step.pattern.size());
        }
        break;
    }
  }
  return text;
}

void Decoding::append(std::int32_t id, DecodeState& state, std::string& bytes) const {
  if (!state.at_start) bytes += separator_;
  const bool is_first = state.at_start;
  state.at_start = false;
  std::string_view text = table_.bytes(id);
  if (is_first && !first_mark_.empty() && !verbatim_[static_cast<std::size_t>(id)]) {
    // A space of the table stands for a mark here: names hold no plain spaces where the mark is in use.
    for (const char c : text) {
      if (c != ' ') bytes.push_back(c);
    }
    return;
  }
  while (state.stripped < strip_start_ && text.starts_with(stripped_character_)) {
    text.remove_prefix(stripped_character_.size());
    ++state.stripped;
  }
  if (!text.empty()) state.stripped = strip_start_;
  bytes += text;
}

}  // namespace caravan::data
