#include "data/rewards/python_literal.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

constexpr int kMaxLevels = 64;
constexpr std::size_t kMaxKeys = 10'000;  // each is compared with all before it
constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  std::optional<Json> read_all() {
    std::optional<Json> value = read(0);
    skip_space();
    if (at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::optional<Json> read(int level) {
    if (level > kMaxLevels) return std::nullopt;
    if (take('{')) return read_dict(level);
    if (take('[')) return read_list(level, ']');
    if (take('(')) return read_list(level, ')');
    if (at_ >= text_.size()) return std::nullopt;
    if (text_[at_] == '"' || text_[at_] == '\'') return read_text(text_[at_++]);
    return read_word();
  }

  std::optional<Json> read_dict(int level) {
    Json dict = Json::object();
    while (!take('}')) {
      std::optional<Json> key = read(level + 1);
      if (!key || !key->is_string() || !take(':')) return std::nullopt;
      std::optional<Json> value = read(level + 1);
      if (!value) return std::nullopt;
      if (dict.size() == kMaxKeys) return std::nullopt;
      dict[key->get<std::string>()] = std::move(*value);
      if (take(',')) continue;
      if (!take('}')) return std::nullopt;
      break;
    }
    return dict;
  }

  std::optional<Json> read_list(int level, char end) {
    Json list = Json::array();
    while (!take(end)) {
      std::optional<Json> value = read(level + 1);
      if (!value) return std::nullopt;
      list.push_back(std::move(*value));
      if (take(',')) continue;
      if (!take(end)) return std::nullopt;
      break;
    }
    return list;
  }

  std::optional<Json> read_text(char quote) {
    std::string result;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\') {
        result.push_back(text_[at_++]);
        continue;
      }
      if (++at_ >= text_.size() || !read_escape(result)) return std::nullopt;
    }
    if (at_ >= text_.size()) return std::nullopt;
    ++at_;
    return result;
  }

  bool read_escape(std::string& result) {
    const char c = text_[at_++];
    constexpr std::string_view kNames = "nrtbfv0\\'\"/";
    if (const std::size_t found = kNames.find(c); found != std::string_view::npos) {
      result.push_back(std::string_view("\n\r\t\b\f\v\0\\'\"/", 11)[found]);
      return true;
    }
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0) {
      result.append({'\\', c});
      return true;
    }
    std::optional<char32_t> value = read_hex(digits);
    if (value && *value >= 0xd800 && *value < 0xdc00 && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const std::optional<char32_t> low = read_hex(4);
      if (!low || *low < 0xdc00 || *low > 0xdfff) return false;
      value = 0x10000 + ((*value - 0xd800) << 10) + (*low - 0xdc00);
    }
    if (!value || *value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000)) return false;
    append_utf8(*value, result);
    return true;
  }

  std::optional<char32_t> read_hex(std::size_t digits) {
    std::uint32_t value = 0;
    if (at_ + digits > text_.size()) return std::nullopt;
    const char* const begin = text_.data() + at_;
    const auto read = std::from_chars(begin, begin + digits, value, 16);
    if (read.ptr != begin + digits) return std::nullopt;
    at_ += digits;
    return static_cast<char32_t>(value);
  }

  std::optional<Json> read_word() {
    const std::size_t end = std::min(text_.find_first_of(",]}):  \t\r\n", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    if (word == "None" || word == "null") return Json(nullptr);
    if (word == "True" || word == "true") return Json(true);
    if (word == "False" || word == "false") return Json(false);
    std::int64_t whole = 0;
    auto read = std::from_chars(word.data(), word.data() + word.size(), whole);
    if (read.ec == std::errc() && read.ptr == word.data() + word.size()) return Json(whole);
    double real = 0;
    read = std::from_chars(word.data(), word.data() + word.size(), real);
    if (read.ec == std::errc() && read.ptr == word.data() + word.size()) return Json(real);
    return std::nullopt;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Json read_python_literal(std::string_view text) {
  if (text.size() > kMaxBytes) return nullptr;
  return LiteralReader(text).read_all().value_or(Json());
}

}  // namespace caravan::data
