#include "data/tokenizers/bpe_model.h"

#include <algorithm>
#include <cstdio>

#include "data/error.h"
#include "data/tokenizers/byte_alphabet.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

constexpr std::int32_t kNone = Vocabulary::kNone;
constexpr std::uint32_t kNever = MergeTable::kNever;
constexpr std::string_view kMark = "\xe2\x96\x81";  // U+2581
// Up to here a scan for the lowest rank beats a heap.
constexpr std::size_t kFewSymbols = 48;

std::string fallback_name(unsigned byte) {
  char name[8];
  std::snprintf(name, sizeof name, "<0x%02X>", byte);
  return name;
}

}  // namespace

BpeModel::BpeModel(BpeOptions options, const Vocabulary& names, const Vocabulary& words, MergeTable merges)
    : options_(options), names_(names), words_(words), merges_(std::move(merges)) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    fallback_bytes_[byte] = options_.byte_fallback ? names_.find(fallback_name(byte)) : kNone;
  }
  symbol_bytes_.resize(static_cast<std::size_t>(names_.end_id()));
  for (std::int32_t id = 0; id < names_.end_id(); ++id) {
    if (!names_.has(id)) continue;
    const auto bytes = options_.byte_level ? alphabet_to_bytes(names_.bytes(id)) : std::nullopt;
    symbol_bytes_[static_cast<std::size_t>(id)] =
        bytes ? static_cast<std::uint32_t>(bytes->size()) : names_.num_bytes(id);
  }
  if (options_.byte_level) {
    find_bytes();
    return;
  }
  wide_symbols_.assign(0x10000, kNone);
  for (std::int32_t id = 0; id < names_.end_id(); ++id) {
    const std::string_view token = names_.has(id) ? names_.bytes(id) : std::string_view();
    if (token.empty() || token.size() > 3) continue;
    const DecodedChar c = decode_valid(token.data());
    if (c.num_bytes == token.size() && names_.find(token) == id) wide_symbols_[c.value] = id;
  }
  find_mark_cuts();
}

void BpeModel::find_bytes() {
  has_all_bytes_ = true;
  for (unsigned byte = 0; byte < 256; ++byte) {
    byte_symbols_[byte] = names_.find(byte_to_alphabet(static_cast<std::uint8_t>(byte)));
    if (byte_symbols_[byte] == kNone) has_all_bytes_ = false;
  }
  if (!has_all_bytes_) return;
  byte_pairs_ = LargeArray<BytePair>(256 * 256);
  for (std::size_t pair = 0; pair < byte_pairs_.size(); ++pair) {
    const MergeTable::Merge& merge = merges_.find(byte_symbols_[pair >> 8], byte_symbols_[pair & 255]);
    byte_pairs_[pair] = {merge.rank, merge.merged};
  }
}

// A boundary that lies inside no token is never merged across, and merges on its two sides do not see each
// other. So a text may be cut before every mark whose left neighbour stands before a mark in no token.
void BpeModel::find_mark_cuts() {
  has_mark_cuts_ = !options_.ignore_merges && names_.find(kMark) != kNone;
  if (!has_mark_cuts_) return;
  joins_mark_.assign(0x110000, false);
  for (std::int32_t id = 0; id < names_.end_id(); ++id) {
    if (!names_.has(id)) continue;
    const std::string_view token = names_.bytes(id);
    for (std::size_t at = token.find(kMark, 1); at != std::string_view::npos;
         at = token.find(kMark, at + 1)) {
      joins_mark_[decode_valid(previous_valid(token.data() + at)).value] = true;
    }
  }
}

const char* BpeModel::next_part(const char* begin, const char* end) const {
  const std::string_view text(begin, static_cast<std::size_t>(end - begin));
  for (std::size_t at = text.find(kMark, 1); at != std::string_view::npos; at = text.find(kMark, at + 1)) {
    if (!joins_mark_[decode_valid(previous_valid(begin + at)).value]) return begin + at;
  }
  return end;
}

std::int32_t BpeModel::char_symbol(std::string_view character) const {
  if (options_.byte_level) return byte_symbols_[static_cast<unsigned char>(character[0])];
  const DecodedChar c = decode_valid(character.data());
  return c.value < wide_symbols_.size() ? wide_symbols_[c.value] : names_.find(character);
}

// Characters without a token become their bytes' fallback tokens, or the unknown token. A pending unknown
// token is written only before the next character that has a token of its own: the reference's order, kept
// even where it looks odd.
bool BpeModel::read_symbols(std::string_view word, std::vector<Symbol>& out) const {
  bool exact = true;
  std::optional<Symbol> unknown;
  const auto flush = [&] {
    if (!unknown) return;
    if (!out.empty()) unknown->begin = std::max(unknown->begin, out.back().begin);  // offsets never go back
    out.push_back(*unknown);
    unknown.reset();
  };
  for (std::size_t i = 0; i < word.size();) {
    const std::uint32_t length = options_.byte_level ? 1 : decode_valid(word.data() + i).num_bytes;
    const std::string_view character = word.substr(i, length);
    const auto begin = static_cast<std::uint32_t>(i);
    i += length;
    const std::int32_t id = char_symbol(character);
    if (id != kNone) {
      flush();
      out.push_back({id, begin});
      continue;
    }
    exact = false;
    const std::string_view name =
        options_.byte_level ? byte_to_alphabet(static_cast<std::uint8_t>(character[0])) : character;
    const auto fallback = [this](char byte) { return fallback_bytes_[static_cast<unsigned char>(byte)]; };
    if (std::ranges::all_of(name, [&](char byte) { return fallback(byte) != kNone; })) {
      for (const char byte : name) out.push_back({fallback(byte), begin});
    } else if (!options_.unk) {
      throw Error(Error::Kind::kData,
                  "the tokenizer has no token for \"" + std::string(name) +
                      "\" and no unknown token to stand for it; drop the row or choose another tokenizer");
    } else if (!unknown || !options_.fuse_unk) {
      flush();
      unknown = Symbol{*options_.unk, begin};
    }
  }
  flush();
  return exact;
}

bool BpeModel::encode(std::string_view word, std::vector<Symbol>& out) const {
  out.clear();
  if (options_.ignore_merges) {
    const std::int32_t id = words_.find(word);
    if (id != kNone) {
      out.push_back({id, 0});
      return true;
    }
  }
  bool exact = true;
  if (has_all_bytes_) {
    out.resize(word.size());
    for (std::size_t i = 0; i < word.size(); ++i) {
      out[i] = {byte_symbols_[static_cast<unsigned char>(word[i])], static_cast<std::uint32_t>(i)};
    }
  } else {
    exact = read_symbols(word, out);
  }
  if (out.size() <= kFewSymbols) {
    merge_few(out, word);
  } else {
    merge_many(out);
  }
  return exact;
}

void BpeModel::merge_few(std::vector<Symbol>& symbols, std::string_view word) const {
  std::uint32_t ranks[kFewSymbols];
  std::int32_t merged[kFewSymbols];
  std::size_t count = symbols.size();
  const auto take = [&](std::size_t i, const MergeTable::Merge& merge) {
    ranks[i] = merge.rank;
    merged[i] = merge.merged;
  };
  for (std::size_t i = 0; i + 1 < count; ++i) {
    if (has_all_bytes_) {
      const auto left = static_cast<unsigned char>(word[i]), right = static_cast<unsigned char>(word[i + 1]);
      ranks[i] = byte_pairs_[left * 256u + right].rank;
      merged[i] = byte_pairs_[left * 256u + right].merged;
    } else {
      take(i, merges_.find(symbols[i].id, symbols[i + 1].id));
    }
  }
  while (count > 1) {
    const std::size_t best = static_cast<std::size_t>(std::min_element(ranks, ranks + count - 1) - ranks);
    if (ranks[best] == kNever) break;
    symbols[best].id = merged[best];
    --count;
    for (std::size_t i = best + 1; i < count; ++i) symbols[i] = symbols[i + 1];
    for (std::size_t i = best; i + 1 < count; ++i) {
      ranks[i] = ranks[i + 1];
      merged[i] = merged[i + 1];
    }
    const bool has_left = best > 0, has_right = best + 1 < count;
    MergeTable::Pair left{}, right{};
    if (has_left) left = merges_.start(symbols[best - 1].id, symbols[best].id);
    if (has_right) right = merges_.start(symbols[best].id, symbols[best + 1].id);
    if (has_left) take(best - 1, merges_.find(left));
    if (has_right) take(best, merges_.find(right));
  }
  symbols.resize(count);
}

// Symbols in a linked list, candidates in a heap of (rank, place); candidates that the list has outgrown are
// skipped.
void BpeModel::merge_many(std::vector<Symbol>& symbols) const {
  const std::size_t count = symbols.size();
  if (count >= UINT32_MAX) {
    throw Error(Error::Kind::kData,
                "a word of " + std::to_string(count) + " symbols is too long to tokenize; split the row");
  }
  constexpr std::uint32_t kEnd = UINT32_MAX;
  std::vector<std::uint32_t> next(count), previous(count), ranks(count, kNever);
  std::vector<std::uint64_t> heap;
  heap.reserve(count);
  const auto refresh = [&](std::uint32_t i) {
    ranks[i] = next[i] == kEnd ? kNever : merges_.find(symbols[i].id, symbols[next[i]].id).rank;
    return ranks[i] != kNever;
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    previous[i] = i - 1;  // kEnd for the first
    next[i] = i + 1 < count ? i + 1 : kEnd;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (refresh(i)) heap.push_back(static_cast<std::uint64_t>(ranks[i]) << 32 | i);
  }
  std::ranges::make_heap(heap, std::greater<>());
  const auto push = [&](std::uint32_t i) {
    if (!refresh(i)) return;
    heap.push_back(static_cast<std::uint64_t>(ranks[i]) << 32 | i);
    std::ranges::push_heap(heap, std::greater<>());
  };
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, std::greater<>());
    const auto rank = static_cast<std::uint32_t>(heap.back() >> 32);
    const auto i = static_cast<std::uint32_t>(heap.back());
    heap.pop_back();
    if (ranks[i] != rank) continue;
    const std::uint32_t gone = next[i];
    symbols[i].id = merges_.find(symbols[i].id, symbols[gone].id).merged;
    ranks[gone] = kNever;
    next[i] = next[gone];
    if (next[i] != kEnd) previous[next[i]] = i;
    push(i);
    if (previous[i] != kEnd) push(previous[i]);
  }
  std::size_t kept = 0;
  for (std::uint32_t i = 0; i != kEnd; i = next[i]) symbols[kept++] = symbols[i];
  symbols.resize(kept);
}

}  // namespace caravan::data
