#include "data/tokenizers/unicode.h"

#include <simdjson.h>
#include <unicode/uchar.h>

#include <map>

namespace caravan::data {
namespace {

constexpr char32_t kCharLimit = 0x110000;

std::uint8_t class_of_category(UCharCategory category) {
  switch (category) {
    case U_UPPERCASE_LETTER:
    case U_TITLECASE_LETTER:
      return kLetter | kUpper | kWord;
    case U_LOWERCASE_LETTER:
      return kLetter | kLower | kWord;
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
      return kLetter | kUpper | kLower | kWord;
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
      return kUpper | kLower | kWord;
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
      return kNumber | kWord;
    case U_OTHER_NUMBER:
      return kNumber;
    case U_CONNECTOR_PUNCTUATION:
      return kWord | kPunctuation;
    case U_DASH_PUNCTUATION:
    case U_START_PUNCTUATION:
    case U_END_PUNCTUATION:
    case U_OTHER_PUNCTUATION:
    case U_INITIAL_PUNCTUATION:
    case U_FINAL_PUNCTUATION:
      return kPunctuation;
    default:
      return 0;
  }
}

// What Unicode 15.1 and 16.0 added: the reference libraries know it, ICU 72 does not. So the classes are
// those of Unicode 16 wherever the program runs. Symbols have no class and are left out.
struct Addition {
  char32_t first, last;
  UCharCategory category;
};
constexpr UCharCategory kLu = U_UPPERCASE_LETTER, kLl = U_LOWERCASE_LETTER, kLo = U_OTHER_LETTER,
                        kMn = U_NON_SPACING_MARK, kNd = U_DECIMAL_DIGIT_NUMBER, kPo = U_OTHER_PUNCTUATION;
constexpr Addition kAdditions[] = {
    {0x897, 0x897, kMn},     {0x1b4e, 0x1b4f, kPo},   {0x1b7f, 0x1b7f, kPo},   {0x1c89, 0x1c89, kLu},
    {0x1c8a, 0x1c8a, kLl},   {0xa7cb, 0xa7cc, kLu},   {0xa7cd, 0xa7cd, kLl},   {0xa7da, 0xa7da, kLu},
    {0xa7db, 0xa7db, kLl},   {0xa7dc, 0xa7dc, kLu},   {0x105c0, 0x105f3, kLo}, {0x10d40, 0x10d49, kNd},
    {0x10d4a, 0x10d4f, kLo}, {0x10d50, 0x10d65, kLu}, {0x10d69, 0x10d6d, kMn}, {0x10d6e, 0x10d6e, kPo},
    {0x10d6f, 0x10d6f, kLo}, {0x10d70, 0x10d85, kLl}, {0x10ec2, 0x10ec4, kLo}, {0x10efc, 0x10efc, kMn},
    {0x11380, 0x11389, kLo}, {0x1138b, 0x1138b, kLo}, {0x1138e, 0x1138e, kLo}, {0x11390, 0x113b5, kLo},
    {0x113b7, 0x113b7, kLo}, {0x113b8, 0x113c0, kMn}, {0x113c2, 0x113c2, kMn}, {0x113c5, 0x113c5, kMn},
    {0x113c7, 0x113ca, kMn}, {0x113cc, 0x113d0, kMn}, {0x113d1, 0x113d1, kLo}, {0x113d2, 0x113d2, kMn},
    {0x113d3, 0x113d3, kLo}, {0x113d4, 0x113d5, kPo}, {0x113d7, 0x113d8, kPo}, {0x113e1, 0x113e2, kMn},
    {0x116d0, 0x116e3, kNd}, {0x11bc0, 0x11be0, kLo}, {0x11be1, 0x11be1, kPo}, {0x11bf0, 0x11bf9, kNd},
    {0x11f5a, 0x11f5a, kMn}, {0x13460, 0x143fa, kLo}, {0x16100, 0x1611d, kLo}, {0x1611e, 0x1612f, kMn},
    {0x16130, 0x16139, kNd}, {0x16d40, 0x16d6c, kLo}, {0x16d6d, 0x16d6f, kPo}, {0x16d70, 0x16d79, kNd},
    {0x18cff, 0x18cff, kLo}, {0x1ccf0, 0x1ccf9, kNd}, {0x1e5d0, 0x1e5ed, kLo}, {0x1e5ee, 0x1e5ef, kMn},
    {0x1e5f0, 0x1e5f0, kLo}, {0x1e5f1, 0x1e5fa, kNd}, {0x1e5ff, 0x1e5ff, kPo}, {0x2ebf0, 0x2ee5d, kLo}};

UBool add_range(const void* context, UChar32 begin, UChar32 end, UCharCategory category) {
  auto& all = *static_cast<std::vector<std::uint8_t>*>(const_cast<void*>(context));
  std::fill(all.begin() + begin, all.begin() + end, class_of_category(category));
  return true;
}

void add_properties(std::vector<std::uint8_t>& all) {
  for (const char32_t c : {0x9u, 0xau, 0xbu, 0xcu, 0xdu, 0x20u, 0x85u, 0xa0u, 0x1680u, 0x2028u, 0x2029u,
                           0x202fu, 0x205fu, 0x3000u}) {
    all[c] |= kSpace;
  }
  for (char32_t c = 0x2000; c <= 0x200a; ++c) all[c] |= kSpace;
  all['\r'] |= kNewline;
  all['\n'] |= kNewline;
  for (char32_t c = '!'; c <= '~'; ++c) {
    if (!(all[c] & (kLetter | kNumber))) all[c] |= kPunctuation;
  }
  all[0x200c] |= kWord;  // Join_Control
  all[0x200d] |= kWord;
  // Alphabetic beyond letters, marks and Nl: the enclosed Latin letters.
  constexpr char32_t kEnclosed[][2] = {
      {0x24b6, 0x24e9}, {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}};
  for (const auto& range : kEnclosed) {
    for (char32_t c = range[0]; c <= range[1]; ++c) all[c] |= kWord;
  }
}

// Length of the longest well-formed character, or of the longest prefix of one, at the start of `bytes`.
// Table 3-7 of the Unicode standard.
struct Prefix {
  std::size_t num_bytes;
  bool complete;
};

Prefix read_prefix(std::string_view bytes) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned first = at(0);
  if (first < 0x80) return {1, true};
  if (first < 0xc2 || first > 0xf4) return {1, false};
  const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  unsigned low = 0x80, high = 0xbf;
  if (first == 0xe0) low = 0xa0;
  if (first == 0xed) high = 0x9f;
  if (first == 0xf0) low = 0x90;
  if (first == 0xf4) high = 0x8f;
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= bytes.size() || at(i) < low || at(i) > high) return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {length, true};
}

}  // namespace

CharClasses::CharClasses() {
  std::vector<std::uint8_t> all(kCharLimit);
  u_enumCharTypes(&add_range, &all);
  for (const Addition& added : kAdditions) {
    for (char32_t c = added.first; c <= added.last; ++c) all[c] = class_of_category(added.category);
  }
  add_properties(all);
  std::map<std::string_view, std::uint16_t> known;
  for (std::size_t block = 0; block < stage_.size(); ++block) {
    const std::string_view bytes(reinterpret_cast<const char*>(all.data()) + block * 256, 256);
    const auto [found, is_new] = known.emplace(bytes, static_cast<std::uint16_t>(known.size()));
    if (is_new) blocks_.insert(blocks_.end(), bytes.begin(), bytes.end());
    stage_[block] = found->second;
  }
}

const CharClasses& CharClasses::instance() {
  static const CharClasses classes;
  return classes;
}

void append_utf8(char32_t c, std::string& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 63));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63)), put(0x80 | (c & 63));
  }
}

std::size_t find_invalid_utf8(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return std::string_view::npos;
  for (std::size_t i = 0; i < text.size();) {
    const Prefix prefix = read_prefix(text.substr(i));
    if (!prefix.complete) return i;
    i += prefix.num_bytes;
  }
  return std::string_view::npos;
}

void append_lossy(std::string_view bytes, Replacement replacement, std::string& out) {
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) {
    out.append(bytes);
    return;
  }
  while (!bytes.empty()) {
    Prefix prefix = read_prefix(bytes);
    if (prefix.complete) {
      out.append(bytes.substr(0, prefix.num_bytes));
    } else {
      if (replacement == Replacement::kPerByte) prefix.num_bytes = 1;
      out.append("\xef\xbf\xbd");
    }
    bytes.remove_prefix(prefix.num_bytes);
  }
}

std::size_t incomplete_tail(std::string_view bytes) {
  const std::size_t most = std::min<std::size_t>(3, bytes.size());
  for (std::size_t length = most; length > 0; --length) {
    const std::string_view tail = bytes.substr(bytes.size() - length);
    const Prefix prefix = read_prefix(tail);
    const bool starts_char = static_cast<unsigned char>(tail[0]) >= 0xc2;
    if (starts_char && !prefix.complete && prefix.num_bytes == length) return length;
  }
  return 0;
}

}  // namespace caravan::data
