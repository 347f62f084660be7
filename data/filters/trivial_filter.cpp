#include <algorithm>
#include <array>

#include "data/filters/blank_text.h"
#include "data/filters/content_filters.h"

namespace caravan::data {
namespace {

// A sum is short; longer prompts are not looked at.
constexpr std::size_t kMaxArithmeticBytes = 200;

constexpr std::array<std::string_view, 16> kAsking = {
    "what is", "what's",        "whats",        "what does", "how much is", "calculate",
    "compute", "evaluate",      "solve",        "find",      "simplify",    "please",
    "can you", "the result of", "the value of", "the sum of"};
constexpr std::array<std::string_view, 4> kClosing = {"equal", "equals", "be", "is"};
constexpr std::array<std::string_view, 16> kOperations = {"divided by", "multiplied by",
                                                          "times",      "plus",
                                                          "minus",      "over",
                                                          "and",        "mod",
                                                          "+",          "-",
                                                          "**",         "*",
                                                          "/",          "x",
                                                          "^",          "%"};
// Their characters beyond ASCII.
constexpr std::array<std::string_view, 4> kSigns = {"\u00d7", "\u00f7", "\u2212", "\u00b7"};

// A prompt read from left to right.
class Sum {
 public:
  explicit Sum(std::string_view text) : rest_(text) {}

  // The number of operations, or -1 where the prompt is no sum.
  std::int64_t operations() {
    while (take_any(kAsking)) {
    }
    if (!take_number()) return -1;
    std::int64_t operations = 0;
    while (take_operation()) {
      if (!take_number()) return -1;
      ++operations;
    }
    while (take_any(kClosing) || take_sign("=") || take_sign("?") || take_sign(".") || take_sign("!")) {
    }
    skip();
    return operations > 0 && rest_.empty() ? operations : -1;
  }

 private:
  static bool is_letter(char c) { return static_cast<unsigned char>((c | 0x20) - 'a') < 26; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  void skip() {
    const std::size_t at = rest_.find_first_not_of(" \t\r\n()$`\"");
    rest_.remove_prefix(std::min(at, rest_.size()));
  }
  bool take_sign(std::string_view sign) {
    skip();
    if (!rest_.starts_with(sign)) return false;
    rest_.remove_prefix(sign.size());
    return true;
  }
  // A word must end where its letters do.
  bool take_word(std::string_view word) {
    skip();
    if (!rest_.starts_with(word)) return false;
    if (is_letter(word.back()) && rest_.size() > word.size() && is_letter(rest_[word.size()])) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  template <std::size_t N>
  bool take_any(const std::array<std::string_view, N>& words) {
    return std::ranges::any_of(words, [this](std::string_view word) { return take_word(word); });
  }
  bool take_operation() { return take_any(kOperations) || take_any(kSigns); }
  bool take_number() {
    take_sign("-");
    skip();
    std::size_t end = 0;
    while (end < rest_.size() && (is_digit(rest_[end]) || rest_[end] == '.' || rest_[end] == ',')) ++end;
    // A dot or comma at the end belongs to the sentence.
    while (end > 0 && !is_digit(rest_[end - 1])) --end;
    rest_.remove_prefix(end);
    return end > 0;
  }

  std::string_view rest_;
};

class Trivial : public RowFilter {
 public:
  Trivial(std::int64_t max_words, std::int64_t max_operations)
      : max_words_(max_words), max_operations_(max_operations), splitter_(Folding::kReference) {}

  void judge(const FilterRow& row, FilterSpace& space, std::vector<FilterHit>& hits) const override {
    FilterHit first;
    const bool has_other =
        any_turn(row, TurnsOf::kUser, [&](const Message& message, std::size_t side, std::size_t i) {
          const char* const kind = kind_of(message.content, space);
          if (kind == nullptr) return true;
          if (first.reason.empty())
            first = {"trivial:" + std::string(kind), side, i, 0, message.content.size()};
          return false;
        });
    if (!has_other && !first.reason.empty()) hits.push_back(std::move(first));
  }

 private:
  const char* kind_of(const std::string& prompt, FilterSpace& space) const {
    if (is_arithmetic(prompt, max_operations_)) return "arithmetic";
    // A word is rarely longer than that: what is longer by far holds more of them, or is no word at all.
    constexpr std::size_t kMaxWordBytes = 64;
    if (prompt.size() > kMaxWordBytes * static_cast<std::size_t>(max_words_ + 1)) return nullptr;
    splitter_.split(prompt, space.words);
    return space.words.size() <= static_cast<std::size_t>(max_words_) ? "words" : nullptr;
  }

  std::int64_t max_words_, max_operations_;
  WordSplitter splitter_;
};

}  // namespace

bool is_arithmetic(std::string_view prompt, std::int64_t max_operations) {
  if (prompt.size() > kMaxArithmeticBytes) return false;
  std::string lower(prompt);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  const std::int64_t operations = Sum(lower).operations();
  return operations > 0 && operations <= max_operations;
}

std::unique_ptr<RowFilter> make_trivial_filter(std::int64_t max_words, std::int64_t max_operations) {
  return std::make_unique<Trivial>(max_words, max_operations);
}

}  // namespace caravan::data
