#include "data/rewards/text_pieces.h"

#include "data/chat/jinja_unicode.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

bool is_line_end(char32_t c) {
  return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_ascii_space(unsigned char c) {
  return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
}

bool space_at(std::string_view text, std::size_t at, std::size_t& next) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    next = at + 1;
    return is_ascii_space(first);
  }
  const DecodedChar c = decode_valid(text.data() + at);
  next = at + c.num_bytes;
  return (CharClasses::instance().of(c.value) & kSpace) != 0;
}

}  // namespace

std::string_view trim(std::string_view text) {
  std::size_t begin = 0, next = 0;
  while (begin < text.size() && space_at(text, begin, next)) begin = next;
  std::size_t end = text.size();
  while (end > begin) {
    const auto before = static_cast<std::size_t>(previous_valid(text.data() + end) - text.data());
    if (!space_at(text, before, next)) break;
    end = before;
  }
  return text.substr(begin, end - begin);
}

std::string_view trim_chars(std::string_view text, std::string_view ascii_chars) {
  const std::size_t begin = text.find_first_not_of(ascii_chars);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(ascii_chars) + 1 - begin);
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0, next = 0;
  for (std::size_t at = 0; at < text.size(); at = next) {
    if (!space_at(text, at, next)) continue;
    if (at > begin) words.push_back(text.substr(begin, at - begin));
    begin = next;
  }
  if (text.size() > begin) words.push_back(text.substr(begin));
  return words;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view marker) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t found = text.find(marker); found != std::string_view::npos;
       found = text.find(marker, begin)) {
    parts.push_back(text.substr(begin, found - begin));
    begin = found + marker.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = decode_valid(text.data() + at);
    const std::size_t end = at;
    at += c.num_bytes;
    if (!is_line_end(c.value)) continue;
    if (c.value == '\r' && at < text.size() && text[at] == '\n') ++at;
    lines.push_back(text.substr(begin, end - begin));
    begin = at;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

std::string replace_all(std::string_view text, std::string_view what, std::string_view by) {
  std::string result;
  std::size_t begin = 0;
  for (std::size_t found = text.find(what); found != std::string_view::npos; found = text.find(what, begin)) {
    result.append(text.substr(begin, found - begin)).append(by);
    begin = found + what.size();
  }
  return result.append(text.substr(begin));
}

std::string lower(std::string_view text) {
  if (!jinja::is_ascii(text)) return jinja::to_lower(text);
  std::string result(text);
  for (char& c : result) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return result;
}

std::vector<std::string_view> word_runs(std::string_view text) {
  std::vector<std::string_view> runs;
  std::size_t begin = std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = decode_valid(text.data() + at);
    if (is_word_char(c.value)) {
      if (begin == std::string_view::npos) begin = at;
    } else if (begin != std::string_view::npos) {
      runs.push_back(text.substr(begin, at - begin));
      begin = std::string_view::npos;
    }
    at += c.num_bytes;
  }
  if (begin != std::string_view::npos) runs.push_back(text.substr(begin));
  return runs;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMaxChars = 60;
  std::string result;
  std::size_t at = 0;
  for (std::size_t n = 0; at < text.size() && n < kMaxChars; ++n) {
    const DecodedChar c = decode_valid(text.data() + at);
    if (c.value < 0x20 || (c.value >= 0x7f && c.value < 0xa0))
      append_utf8(0xfffd, result);
    else
      result.append(text.substr(at, c.num_bytes));
    at += c.num_bytes;
  }
  if (at < text.size()) result += "...";
  return "'" + result + "'";
}

}  // namespace caravan::data
