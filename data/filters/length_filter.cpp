#include "data/error.h"
#include "data/filters/content_filters.h"

namespace caravan::data {
namespace {

struct Limits {
  std::optional<std::int64_t> least, most;
  const char* unit;

  bool set() const { return least || most; }
  void judge(std::int64_t found, std::size_t side, std::vector<FilterHit>& hits) const {
    if (least && found < *least) hits.push_back({.reason = "too_short:" + std::string(unit), .side = side});
    if (most && found > *most) hits.push_back({.reason = "too_long:" + std::string(unit), .side = side});
  }
};

std::int64_t count_characters(std::string_view utf8) {
  std::int64_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
  return count;
}

class Length : public RowFilter {
 public:
  Length(const FilterOptions& o, std::unique_ptr<Tokenizer> tokenizer)
      : characters_{o.min_characters, o.max_characters, "characters"},
        tokens_{o.min_tokens, o.max_tokens, "tokens"},
        turns_{o.min_turns, o.max_turns, "turns"},
        counted_(o.length_turns),
        tokenizer_(std::move(tokenizer)) {}

  void judge(const FilterRow& row, FilterSpace& space, std::vector<FilterHit>& hits) const override {
    // Of a preference row the first conversation outside the limits counts.
    for (std::size_t side = 0; side < row.sides.size(); ++side) {
      const std::size_t before = hits.size();
      try {
        judge_side(row.sides[side], side, space, hits);
      } catch (const Error&) {
        // The text holds a character for which the tokenizer has no token.
        hits.push_back({.reason = "not_encodable", .side = side});
      }
      if (hits.size() > before) return;
    }
  }

 private:
  void judge_side(const Conversation& conversation, std::size_t side, FilterSpace& space,
                  std::vector<FilterHit>& hits) const {
    std::int64_t characters = 0, tokens = 0, turns = 0;
    for (const Message& message : conversation.messages) {
      turns += message.role != "system";
      if (!is_among(message.role, counted_)) continue;
      if (characters_.set()) characters += count_characters(message.content);
      if (tokens_.set()) tokens += count_tokens(message.content, space);
    }
    if (characters_.set()) characters_.judge(characters, side, hits);
    if (tokens_.set()) tokens_.judge(tokens, side, hits);
    if (turns_.set()) turns_.judge(turns, side, hits);
  }
  std::int64_t count_tokens(const std::string& text, FilterSpace& space) const {
    space.ids.clear();
    tokenizer_->encode(text, {}, space.ids);
    return static_cast<std::int64_t>(space.ids.size());
  }

  Limits characters_, tokens_, turns_;
  TurnsOf counted_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

}  // namespace

std::unique_ptr<RowFilter> make_length_filter(const FilterOptions& options,
                                              std::unique_ptr<Tokenizer> tokenizer) {
  return std::make_unique<Length>(options, std::move(tokenizer));
}

}  // namespace caravan::data
