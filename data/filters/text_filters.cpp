#include "data/filters/text_filters.h"

#include "data/tokenizers/regex.h"

namespace caravan::data {
namespace {

class KeywordFilter : public RowFilter {
 public:
  KeywordFilter(std::string reason, std::vector<Keyword> keywords, KeywordSearch::Rules rules, TurnsOf turns)
      : reason_(std::move(reason)), search_(std::move(keywords), rules), turns_(turns) {}

  void judge(const FilterRow& row, FilterSpace& space, std::vector<FilterHit>& hits) const override {
    any_turn(row, turns_, [&](const Message& message, std::size_t side, std::size_t i) {
      KeywordMatch match;
      if (!search_.find(message.content, space.text, match)) return false;
      hits.push_back({reason_ + ':' + search_.keyword(match.keyword).name, side, i, match.begin, match.end});
      return true;
    });
  }

 private:
  std::string reason_;
  KeywordSearch search_;
  TurnsOf turns_;
};

class PatternFilter : public RowFilter {
 public:
  PatternFilter(const std::string& pattern, TurnsOf turns)
      : regex_(pattern, "drop_pattern", Regex::Rules::plain()), turns_(turns) {}

  void judge(const FilterRow& row, FilterSpace&, std::vector<FilterHit>& hits) const override {
    any_turn(row, turns_, [&](const Message& message, std::size_t side, std::size_t i) {
      ByteRange match;
      const Regex::Found found = regex_.search(message.content, 0, match);
      if (found == Regex::Found::kNo) return false;
      const bool gave_up = found == Regex::Found::kGaveUp;
      hits.push_back({gave_up ? "pattern_gave_up" : "pattern", side, i, match.begin, match.end});
      return true;
    });
  }

 private:
  Regex regex_;
  TurnsOf turns_;
};

}  // namespace

std::unique_ptr<RowFilter> make_keyword_filter(std::string reason, std::vector<Keyword> keywords,
                                               KeywordSearch::Rules rules, TurnsOf turns) {
  return std::make_unique<KeywordFilter>(std::move(reason), std::move(keywords), rules, turns);
}

std::unique_ptr<RowFilter> make_pattern_filter(const std::string& pattern, TurnsOf turns) {
  return std::make_unique<PatternFilter>(pattern, turns);
}

}  // namespace caravan::data
