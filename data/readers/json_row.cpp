#include "data/readers/json_row.h"

#include <immintrin.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>

namespace caravan::data {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Four hex digits at `at`; -1 where they are not there.
int hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const int digit = hex_digit(text[at + i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(int code) {
  return code >= 0xD800 && code <= 0xDBFF;
}
bool is_low_surrogate(int code) {
  return code >= 0xDC00 && code <= 0xDFFF;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

char* put_utf8(std::uint32_t code, char* out) {
  const auto byte = [&out](std::uint32_t value) { *out++ = static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
  return out;
}

bool is_simple_escape(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    default:
      return false;
  }
}

char simple_escape(char letter) {
  switch (letter) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return letter;
  }
}

}  // namespace

// 32 bytes at once: rows are mostly long strings without an event.
std::size_t find_string_event(std::string_view text, std::size_t at) {
  constexpr std::size_t kStep = 32;
  const char* data = text.data();
  const std::size_t size = text.size();
  const auto marks_at = [data](std::size_t place) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + place));
    const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1F)), bytes);
    const __m256i quotes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
    const __m256i slashes = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
    return static_cast<std::uint32_t>(
        _mm256_movemask_epi8(_mm256_or_si256(control, _mm256_or_si256(quotes, slashes))));
  };
  for (; at + kStep <= size; at += kStep) {
    const std::uint32_t found = marks_at(at);
    if (found != 0) return at + static_cast<std::size_t>(std::countr_zero(found));
  }
  if (size >= kStep && at < size) {  // the last ones once more, without those that were looked at
    const std::uint32_t found = marks_at(size - kStep) >> (at + kStep - size);
    return found != 0 ? at + static_cast<std::size_t>(std::countr_zero(found)) : size;
  }
  for (; at < size; ++at) {
    const auto c = static_cast<unsigned char>(data[at]);
    if (c == '"' || c == '\\' || c < 0x20) break;
  }
  return at;
}

namespace {

// Copies up to the next backslash, or all of it, 32 bytes at a time. There is room for 32 bytes more.
void copy_plain(std::string_view raw, std::size_t& at, char*& to) {
  constexpr std::size_t kStep = 32;
  for (; at + kStep <= raw.size(); at += kStep, to += kStep) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(raw.data() + at));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
    const auto slashes =
        static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'))));
    if (slashes == 0) continue;
    const auto count = static_cast<std::size_t>(std::countr_zero(slashes));
    at += count;
    to += count;
    return;
  }
  while (at < raw.size() && raw[at] != '\\') *to++ = raw[at++];
}

}  // namespace

// No escape is shorter than what it stands for.
bool unescape_json(std::string_view raw, std::string& out) {
  constexpr std::size_t kSlack = 32;
  const std::size_t begin = out.size();
  out.resize(begin + raw.size() + kSlack);
  char* to = out.data() + begin;
  bool control = false;
  for (std::size_t at = 0;;) {
    copy_plain(raw, at, to);
    if (at == raw.size()) break;
    const char letter = raw[at + 1];
    at += 2;
    if (letter != 'u') {
      control = control || letter == 'b' || letter == 'f';
      *to++ = simple_escape(letter);
      continue;
    }
    int code = hex4(raw, at);
    at += 4;
    if (is_high_surrogate(code)) {
      code = 0x10000 + ((code - 0xD800) << 10) + (hex4(raw, at + 2) - 0xDC00);
      at += 6;
    }
    control = control || (code < 0x20 && code != '\n' && code != '\t' && code != '\r');
    to = put_utf8(static_cast<std::uint32_t>(code), to);
  }
  out.resize(static_cast<std::size_t>(to - out.data()));
  return control;
}

JsonRow::Status JsonRow::parse(std::string_view text) {
  text_ = text;
  at_ = 0;
  nodes_.clear();
  status_ = Status::kOk;
  lone_surrogate_ = false;
  duplicate_key_ = false;
  if (!simdjson::validate_utf8(text.data(), text.size())) return status_ = Status::kInvalidUtf8;
  skip_space();
  if (!parse_value(0)) return status_;
  skip_space();
  if (at_ != text_.size()) return status_ = Status::kInvalidJson;
  if (lone_surrogate_) return status_ = Status::kLoneSurrogate;
  if (duplicate_key_) return status_ = Status::kDuplicateKey;
  return status_;
}

bool JsonRow::fail(Status status) {
  status_ = status;
  return false;
}

void JsonRow::skip_space() {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
    ++at_;
  }
}

std::uint32_t JsonRow::add_node(JsonValue::Type type) {
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({static_cast<std::uint32_t>(at_), 0, index + 1, 0, 0, type, false, false});
  return index;
}

// Recursion is bounded by kMaxDepth, whatever the input says.
bool JsonRow::parse_value(std::uint32_t depth) {
  if (depth > kMaxDepth) return fail(Status::kTooDeep);
  if (at_ >= text_.size()) return fail(Status::kInvalidJson);
  switch (text_[at_]) {
    case '{':
      return parse_object(depth);
    case '[':
      return parse_array(depth);
    case '"': {
      const std::uint32_t index = add_node(JsonValue::Type::kString);
      std::uint32_t begin = 0, length = 0;
      bool escaped = false;
      if (!parse_string(begin, length, escaped)) return false;
      nodes_[index].begin = begin;
      nodes_[index].length = length;
      nodes_[index].escaped = escaped;
      return true;
    }
    case 'n':
      return parse_word("null", JsonValue::Type::kNull);
    case 't':
      return parse_word("true", JsonValue::Type::kTrue);
    case 'f':
      return parse_word("false", JsonValue::Type::kFalse);
    default:
      return parse_number();
  }
}

bool JsonRow::parse_object(std::uint32_t depth) {
  const std::uint32_t object = add_node(JsonValue::Type::kObject);
  ++at_;
  skip_space();
  std::uint32_t children = 0;
  if (at_ < text_.size() && text_[at_] == '}') {
    ++at_;
  } else {
    for (;;) {
      std::uint32_t key_begin = 0, key_length = 0;
      bool key_escaped = false;
      if (at_ >= text_.size() || text_[at_] != '"') return fail(Status::kInvalidJson);
      if (!parse_string(key_begin, key_length, key_escaped)) return false;
      skip_space();
      if (at_ >= text_.size() || text_[at_] != ':') return fail(Status::kInvalidJson);
      ++at_;
      skip_space();
      const std::size_t child = nodes_.size();
      if (!parse_value(depth + 1)) return false;
      nodes_[child].key_begin = key_begin;
      nodes_[child].key_length = key_length;
      nodes_[child].key_escaped = key_escaped;
      ++children;
      skip_space();
      if (at_ >= text_.size()) return fail(Status::kInvalidJson);
      const char c = text_[at_++];
      if (c == '}') break;
      if (c != ',') return fail(Status::kInvalidJson);
      skip_space();
    }
  }
  nodes_[object].length = children;
  nodes_[object].next = static_cast<std::uint32_t>(nodes_.size());
  if (children > 1) check_keys(object);
  return true;
}

bool JsonRow::parse_array(std::uint32_t depth) {
  const std::uint32_t array = add_node(JsonValue::Type::kArray);
  ++at_;
  skip_space();
  std::uint32_t children = 0;
  if (at_ < text_.size() && text_[at_] == ']') {
    ++at_;
  } else {
    for (;;) {
      if (!parse_value(depth + 1)) return false;
      ++children;
      skip_space();
      if (at_ >= text_.size()) return fail(Status::kInvalidJson);
      const char c = text_[at_++];
      if (c == ']') break;
      if (c != ',') return fail(Status::kInvalidJson);
      skip_space();
    }
  }
  nodes_[array].length = children;
  nodes_[array].next = static_cast<std::uint32_t>(nodes_.size());
  return true;
}

bool JsonRow::parse_string(std::uint32_t& begin, std::uint32_t& length, bool& escaped) {
  begin = static_cast<std::uint32_t>(++at_);
  escaped = false;
  for (;;) {
    at_ = find_string_event(text_, at_);
    if (at_ >= text_.size()) return fail(Status::kInvalidJson);
    const char c = text_[at_];
    if (c == '"') break;
    if (c != '\\') return fail(Status::kInvalidJson);  // a raw control character
    escaped = true;
    if (!parse_escape()) return fail(Status::kInvalidJson);
  }
  length = static_cast<std::uint32_t>(at_) - begin;
  ++at_;
  return true;
}

// At a backslash. Moves behind the escape; a lone surrogate is noted and judged when the whole text is known
// to be JSON.
bool JsonRow::parse_escape() {
  if (at_ + 1 >= text_.size()) return false;
  const char letter = text_[at_ + 1];
  at_ += 2;
  if (letter != 'u') return is_simple_escape(letter);
  const int code = hex4(text_, at_);
  if (code < 0) return false;
  at_ += 4;
  if (is_low_surrogate(code)) lone_surrogate_ = true;
  if (is_high_surrogate(code)) {
    const bool pair = text_.substr(at_, 2) == "\\u" && is_low_surrogate(hex4(text_, at_ + 2));
    if (pair) {
      at_ += 6;
    } else {
      lone_surrogate_ = true;
    }
  }
  return true;
}

bool JsonRow::parse_number() {
  const std::uint32_t index = add_node(JsonValue::Type::kNumber);
  const auto digits = [this] {
    const std::size_t first = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > first;
  };
  if (text_[at_] == '-') ++at_;
  if (at_ < text_.size() && text_[at_] == '0') {
    ++at_;
  } else if (!digits()) {
    return fail(Status::kInvalidJson);
  }
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (!digits()) return fail(Status::kInvalidJson);
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (!digits()) return fail(Status::kInvalidJson);
  }
  nodes_[index].length = static_cast<std::uint32_t>(at_) - nodes_[index].begin;
  return true;
}

bool JsonRow::parse_word(std::string_view word, JsonValue::Type type) {
  if (text_.substr(at_, word.size()) != word) return fail(Status::kInvalidJson);
  const std::uint32_t index = add_node(type);
  at_ += word.size();
  nodes_[index].length = static_cast<std::uint32_t>(word.size());
  return true;
}

std::string JsonRow::decoded_key(const Node& node) const {
  const std::string_view raw = text_.substr(node.key_begin, node.key_length);
  std::string key;
  // A lone surrogate cannot be resolved; such a row is refused anyway, its raw text serves.
  if (!node.key_escaped || lone_surrogate_) return std::string(raw);
  unescape_json(raw, key);
  return key;
}

void JsonRow::check_keys(std::uint32_t object) {
  keys_.clear();
  decoded_keys_.clear();
  bool escaped = false;
  for (std::uint32_t i = object + 1; i < nodes_[object].next; i = nodes_[i].next) {
    escaped = escaped || nodes_[i].key_escaped;
    keys_.push_back(text_.substr(nodes_[i].key_begin, nodes_[i].key_length));
  }
  if (escaped) {
    for (std::uint32_t i = object + 1; i < nodes_[object].next; i = nodes_[i].next) {
      decoded_keys_.push_back(decoded_key(nodes_[i]));
    }
    keys_.assign(decoded_keys_.begin(), decoded_keys_.end());
  }
  constexpr std::size_t kFewKeys = 8;
  if (keys_.size() <= kFewKeys) {
    for (std::size_t i = 1; i < keys_.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) duplicate_key_ = duplicate_key_ || keys_[i] == keys_[j];
    }
    return;
  }
  std::sort(keys_.begin(), keys_.end());
  duplicate_key_ = duplicate_key_ || std::adjacent_find(keys_.begin(), keys_.end()) != keys_.end();
}

}  // namespace caravan::data
