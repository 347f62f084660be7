#include <algorithm>
#include <bit>

#include "data/filters/blank_text.h"
#include "data/filters/content_filters.h"

namespace caravan::data {
namespace {

// Hashes seen in one text: open addressing, cleared by its size.
class SeenHashes {
 public:
  SeenHashes(std::vector<std::uint64_t>& slots, std::size_t most) : slots_(slots) {
    slots_.assign(std::bit_ceil(2 * most + 2), kFree);
  }
  // True where it was there already.
  bool add(std::uint64_t hash) {
    hash += hash == kFree;
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (hash * 0x9E3779B97F4A7C15u >> 20) & mask;
    while (slots_[at] != kFree && slots_[at] != hash) at = (at + 1) & mask;
    const bool there = slots_[at] == hash;
    slots_[at] = hash;
    return there;
  }

 private:
  static constexpr std::uint64_t kFree = 0;
  std::vector<std::uint64_t>& slots_;
};

class Repetition : public RowFilter {
 public:
  explicit Repetition(const FilterOptions& o)
      : max_ngrams_(o.max_repeated_ngrams),
        max_lines_(o.max_repeated_lines),
        ngram_words_(static_cast<std::size_t>(o.ngram_words)),
        min_words_(static_cast<std::size_t>(o.repetition_words)),
        splitter_(Folding::kReference) {}

  void judge(const FilterRow& row, FilterSpace& space, std::vector<FilterHit>& hits) const override {
    bool ngrams = false, lines = false;
    any_turn(row, TurnsOf::kAssistant, [&](const Message& message, std::size_t side, std::size_t i) {
      splitter_.split(message.content, space.words);
      if (space.words.size() < min_words_) return false;
      if (!ngrams && max_ngrams_ && repeated_ngrams(space) > *max_ngrams_) {
        hits.push_back({.reason = "repetition:ngrams", .side = side, .message = i});
        ngrams = true;
      }
      if (!lines && max_lines_ && repeated_lines(message.content, space) > *max_lines_) {
        hits.push_back({.reason = "repetition:lines", .side = side, .message = i});
        lines = true;
      }
      return (ngrams || !max_ngrams_) && (lines || !max_lines_);
    });
  }

 private:
  // The share of words that lie in a run of words which stood there before.
  double repeated_ngrams(FilterSpace& space) const {
    const Words& words = space.words;
    if (words.size() < ngram_words_) return 0.0;
    SeenHashes seen(space.seen, words.size());
    std::size_t covered = 0, covered_to = 0;
    for (std::size_t i = 0; i + ngram_words_ <= words.size(); ++i) {
      std::uint64_t hash = 0;
      for (std::size_t k = 0; k < ngram_words_; ++k)
        hash = std::rotl(hash, 23) * 0x9E3779B97F4A7C15u + words[i + k].hash;
      if (!seen.add(hash)) continue;
      const std::size_t end = i + ngram_words_;
      covered += end - std::max(covered_to, i);
      covered_to = end;
    }
    return static_cast<double>(covered) / static_cast<double>(words.size());
  }

  // The share of lines, blank ones left out, that equal an earlier one.
  static double repeated_lines(std::string_view text, FilterSpace& space) {
    SeenHashes seen(space.seen, static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1);
    std::size_t lines = 0, repeated = 0;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = trimmed(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.empty()) continue;
      ++lines;
      repeated += seen.add(hash_letters(line));
    }
    return lines == 0 ? 0.0 : static_cast<double>(repeated) / static_cast<double>(lines);
  }

  std::optional<double> max_ngrams_, max_lines_;
  std::size_t ngram_words_, min_words_;
  WordSplitter splitter_;
};

class Fences : public RowFilter {
 public:
  void judge(const FilterRow& row, FilterSpace&, std::vector<FilterHit>& hits) const override {
    any_turn(row, TurnsOf::kAssistant, [&](const Message& message, std::size_t side, std::size_t i) {
      const std::size_t open = open_fence(message.content);
      if (open == std::string_view::npos) return false;
      hits.push_back({"unbalanced_fence", side, i, open, std::min(open + 3, message.content.size())});
      return true;
    });
  }
};

}  // namespace

std::size_t open_fence(std::string_view text) {
  char mark = 0;
  std::size_t length = 0, begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    const std::size_t first = std::min(line.find_first_not_of(" \t>"), line.size());
    const char c = first < line.size() ? line[first] : '\0';
    if (c == '`' || c == '~') {
      const std::size_t after = std::min(line.find_first_not_of(c, first), line.size());
      const std::string_view info = line.substr(after);
      if (mark == 0 && after - first >= 3 && (c == '~' || info.find('`') == std::string_view::npos)) {
        mark = c;
        length = after - first;
        begin = at + first;
      } else if (mark == c && after - first >= length &&
                 info.find_first_not_of(" \t\r") == std::string_view::npos) {
        mark = 0;
      }
    }
    at = end + 1;
  }
  return mark == 0 ? std::string_view::npos : begin;
}

std::unique_ptr<RowFilter> make_repetition_filter(const FilterOptions& options) {
  return std::make_unique<Repetition>(options);
}

std::unique_ptr<RowFilter> make_fence_filter() {
  return std::make_unique<Fences>();
}

}  // namespace caravan::data
