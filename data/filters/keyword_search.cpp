#include "data/filters/keyword_search.h"

#include <unicode/uchar.h>

#include <algorithm>

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

char32_t fold_char(char32_t c) {
  return static_cast<char32_t>(u_foldCase(static_cast<UChar32>(c), U_FOLD_CASE_DEFAULT));
}

unsigned char fold_ascii(unsigned char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<unsigned char>(c | 0x20u) : c;
}

void fold(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar decoded = decode_valid(text.data() + at);
    append_utf8(fold_char(decoded.value), out);
    at += decoded.num_bytes;
  }
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Where folding moved a byte of `text` to, found by walking both; only for matches, which are rare.
std::size_t unfolded_place(std::string_view text, std::size_t folded_place) {
  std::size_t at = 0;
  std::string one;
  for (std::size_t folded = 0; at < text.size() && folded < folded_place;) {
    const DecodedChar decoded = decode_valid(text.data() + at);
    one.clear();
    append_utf8(fold_char(decoded.value), one);
    folded += one.size();
    at += decoded.num_bytes;
  }
  return at;
}

bool in_word(std::string_view text, std::size_t at) {
  const auto word_at = [&](const char* p) { return is_word_char(decode_valid(p).value); };
  return at > 0 && at < text.size() && word_at(previous_valid(text.data() + at)) && word_at(text.data() + at);
}

}  // namespace

KeywordSearch::KeywordSearch(std::vector<Keyword> keywords, Rules rules)
    : keywords_(std::move(keywords)), rules_(rules) {
  for (Keyword& keyword : keywords_) {
    if (keyword.name.empty()) keyword.name = keyword.text;
    folds_text_ = folds_text_ || (rules_.ignore_case && !is_ascii(keyword.text));
    if (!rules_.ignore_case) continue;
    const std::string written = keyword.text;
    fold(written, keyword.text);
  }
  count_bytes();
  next_.assign(num_classes_, kNone);
  found_.assign(1, kNone);
  for (std::size_t i = 0; i < keywords_.size(); ++i) add(i);
  link();
  std::vector<std::string_view> texts;
  for (const Keyword& keyword : keywords_) texts.push_back(keyword.text);
  starts_.emplace(texts, rules_.ignore_case);
}

void KeywordSearch::count_bytes() {
  for (const Keyword& keyword : keywords_) {
    for (const char c : keyword.text) {
      std::uint8_t& number = class_[static_cast<unsigned char>(c)];
      if (number == 0) number = static_cast<std::uint8_t>(num_classes_++);
    }
  }
  if (!rules_.ignore_case) return;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) class_[c] = class_[fold_ascii(c)];
}

void KeywordSearch::add(std::size_t index) {
  std::uint32_t state = 0;
  for (const char c : keywords_[index].text) {
    const std::size_t edge = std::size_t{state} * num_classes_ + class_[static_cast<unsigned char>(c)];
    if (next_[edge] == kNone) {
      next_[edge] = static_cast<std::uint32_t>(found_.size());
      found_.push_back(kNone);
      next_.resize(next_.size() + num_classes_, kNone);
    }
    state = next_[edge];
  }
  // Keywords of the same text may differ in what must follow.
  same_.push_back(found_[state]);
  found_[state] = static_cast<std::uint32_t>(index);
}

// Breadth first: where a state has no edge of its own, it takes that of the longest suffix that has one.
void KeywordSearch::link() {
  std::vector<std::uint32_t> suffix(found_.size(), 0), order{0};
  also_.assign(found_.size(), 0);
  hits_.assign(found_.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint32_t state = order[i];
    also_[state] = found_[suffix[state]] != kNone ? suffix[state] : also_[suffix[state]];
    hits_[state] = found_[state] != kNone || also_[state] != 0;
    for (std::uint32_t c = 0; c < num_classes_; ++c) {
      std::uint32_t& edge = next_[std::size_t{state} * num_classes_ + c];
      const std::uint32_t fallback = state == 0 ? 0 : next_[std::size_t{suffix[state]} * num_classes_ + c];
      if (edge == kNone) {
        edge = fallback;
      } else {
        suffix[edge] = fallback;
        order.push_back(edge);
      }
    }
  }
}

bool KeywordSearch::accept(std::string_view text, std::size_t end, std::uint32_t index,
                           KeywordMatch& match) const {
  const Keyword& keyword = keywords_[index];
  const std::size_t begin = end - keyword.text.size();
  if (!keyword.after_any.empty()) {
    if (end == text.size() || text[end] == '\n') return false;
    end += decode_valid(text.data() + end).num_bytes;
    if (!text.substr(end).starts_with(keyword.after_any)) return false;
    end += keyword.after_any.size();
  }
  if (rules_.whole_words && (in_word(text, begin) || in_word(text, end))) return false;
  match = {index, begin, end};
  return true;
}

bool KeywordSearch::search(std::string_view text, KeywordMatch& match) const {
  std::uint32_t state = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    // In the first state nothing has begun.
    if (state == 0 && starts_->is_selective()) at = starts_->next(text, at);
    if (at == text.size()) break;
    state = next_[std::size_t{state} * num_classes_ + class_[static_cast<unsigned char>(text[at])]];
    if (!hits_[state]) continue;
    for (std::uint32_t ending = found_[state] != kNone ? state : also_[state]; ending != 0;
         ending = also_[ending]) {
      for (std::uint32_t index = found_[ending]; index != kNone; index = same_[index]) {
        if (accept(text, at + 1, index, match)) return true;
      }
    }
  }
  return false;
}

bool KeywordSearch::find(std::string_view text, std::string& folded, KeywordMatch& match) const {
  if (!folds_text_ || is_ascii(text)) return search(text, match);
  fold(text, folded);
  if (!search(folded, match)) return false;
  match.begin = unfolded_place(text, match.begin);
  match.end = unfolded_place(text, match.end);
  return true;
}

}  // namespace caravan::data
