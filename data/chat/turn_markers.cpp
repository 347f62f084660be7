#include "data/chat/turn_markers.h"

#include <algorithm>
#include <array>
#include <utility>

namespace caravan::data {

namespace {

constexpr std::size_t kLongestMarker = 80;

bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// End of the marker that starts at `begin`, or `begin`.
std::size_t marker_end(std::string_view text, std::size_t begin, std::size_t limit) {
  char open = text[begin];
  if (open != '<' && open != '[') return begin;
  char close = open == '<' ? '>' : ']';
  std::size_t stop = std::min(limit, begin + kLongestMarker);
  for (std::size_t at = begin + 1; at < stop; ++at) {
    char c = text[at];
    if (c == close) return at > begin + 1 ? at + 1 : begin;
    if (is_blank(c) || c == open || c == '"' || c == '\'') return begin;
    // In square brackets only upper-case names are markers: the rest is lists and prose.
    if (open == '[' && !((c >= 'A' && c <= 'Z') || c == '_' || c == '/')) return begin;
  }
  return begin;
}

bool drop_prefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  return true;
}

bool drop_suffix(std::string_view& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return false;
  name.remove_suffix(suffix.size());
  return true;
}

}  // namespace

std::vector<ByteRange> find_markers(std::string_view text, ByteRange range) {
  std::vector<ByteRange> markers;
  for (std::size_t at = range.begin; at < range.end;) {
    std::size_t end = marker_end(text, at, range.end);
    if (end > at) markers.push_back({at, end});
    at = std::max(end, at + 1);
  }
  return markers;
}

MarkerName read_marker(std::string_view marker) {
  constexpr std::array<std::pair<std::string_view, MarkerName::Side>, 10> kWords = {{
      {"start_of_", MarkerName::Side::kOpens},
      {"begin_of_", MarkerName::Side::kOpens},
      {"start_", MarkerName::Side::kOpens},
      {"begin_", MarkerName::Side::kOpens},
      {"end_of_", MarkerName::Side::kCloses},
      {"end_", MarkerName::Side::kCloses},
      {"_start", MarkerName::Side::kOpens},
      {"_begin", MarkerName::Side::kOpens},
      {"_end", MarkerName::Side::kCloses},
      {"/", MarkerName::Side::kCloses},
  }};
  std::string plain(marker.substr(1, marker.size() - 2));
  // DeepSeek writes a wide bar and a block for the underscore.
  for (auto [from, to] : {std::pair<std::string_view, std::string_view>{"｜", "|"}, {"▁", "_"}}) {
    for (std::size_t at = plain.find(from); at != std::string::npos; at = plain.find(from))
      plain.replace(at, from.size(), to);
  }
  std::string_view name = plain;
  while (drop_prefix(name, "|")) {
  }
  while (drop_suffix(name, "|")) {
  }
  name = name.substr(0, name.find('='));
  MarkerName result;
  for (const auto& [word, side] : kWords) {
    bool found = word[0] == '_' ? drop_suffix(name, word) : drop_prefix(name, word);
    if (!found) continue;
    result.side = side;
    break;
  }
  result.name = name;
  return result;
}

PromptPieces::PromptPieces(std::string_view prompt) {
  std::size_t at = 0;
  while (at < prompt.size() && is_blank(prompt[at])) ++at;
  while (at < prompt.size()) {
    std::size_t end = marker_end(prompt, at, prompt.size());
    Kind kind = Kind::kMarker;
    if (end == at) {
      bool blank = is_blank(prompt[at]);
      kind = blank ? Kind::kSpace : Kind::kWord;
      while (end < prompt.size() && is_blank(prompt[end]) == blank &&
             (end == at || marker_end(prompt, end, prompt.size()) == end))
        ++end;
    }
    pieces_.push_back({prompt.substr(at, end - at), kind});
    at = end;
  }
}

std::size_t PromptPieces::match(std::string_view text) const {
  std::size_t length = 0;
  bool any = false;
  for (const Piece& piece : pieces_) {
    std::string_view rest = text.substr(length);
    if (rest.starts_with(piece.text)) {
      length += piece.text.size();
      any = any || piece.kind != Kind::kSpace;
      continue;
    }
    if (piece.kind == Kind::kWord) return 0;
    if (piece.kind == Kind::kSpace) {
      std::size_t common = 0;
      while (common < rest.size() && common < piece.text.size() && rest[common] == piece.text[common])
        ++common;
      length += common;
    }
    break;
  }
  return any ? length : 0;
}

}  // namespace caravan::data
