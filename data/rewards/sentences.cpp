#include "data/rewards/sentences.h"

#include <algorithm>

#include "data/chat/jinja_unicode.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

constexpr std::string_view kAbbreviations[] = {
    "a.m",  "adm",  "ala",    "ariz", "aug",  "ave", "b",   "bros", "c",     "calif",   "capt", "cie",
    "co",   "col",  "colo",   "conn", "corp", "ct",  "d",   "d.c",  "dec",   "dist",    "dr",   "e",
    "f",    "feb",  "fla",    "g",    "ga",   "gen", "gov", "h",    "i.e",   "ill",     "inc",  "j",
    "jan",  "jr",   "k",      "kg",   "ky",   "l",   "l.a", "lb",   "lt",    "ltd",     "m",    "m.b.a",
    "maj",  "mass", "messrs", "mg",   "minn", "mr",  "mrs", "ms",   "n",     "n.c",     "n.j",  "n.m",
    "n.v",  "n.y",  "nev",    "nov",  "o",    "oct", "ok",  "ore",  "p",     "p.m",     "pa",   "ph.d",
    "prof", "r",    "r.i",    "rep",  "reps", "s",   "sec", "sen",  "sep",   "sept",    "sgt",  "sr",
    "st",   "t",    "tenn",   "tues", "u",    "u.k", "u.n", "u.s",  "u.s.a", "u.s.s.r", "v",    "va",
    "vs",   "vt",   "w",      "w.va", "wash", "wed", "yr",  "z"};
constexpr std::string_view kStarters[] = {
    "a",         "according",   "after",  "all",     "also",   "although", "among",   "an",      "and",
    "another",   "as",          "at",     "because", "before", "both",     "but",     "by",      "can",
    "despite",   "do",          "during", "each",    "even",   "every",    "finally", "first",   "for",
    "from",      "furthermore", "he",     "her",     "here",   "his",      "how",     "however", "i",
    "if",        "in",          "indeed", "instead", "it",     "its",      "last",    "let",     "many",
    "meanwhile", "moreover",    "most",   "my",      "no",     "not",      "now",     "of",      "on",
    "once",      "one",         "other",  "our",     "please", "she",      "since",   "so",      "some",
    "still",     "such",        "that",   "the",     "their",  "then",     "there",   "these",   "they",
    "this",      "those",       "though", "through", "thus",   "to",       "under",   "until",   "we",
    "what",      "when",        "where",  "whether", "which",  "while",    "who",     "why",     "will",
    "with",      "you",         "your"};

constexpr std::string_view kNonWord = ")\";}]*:@'({[!?";
constexpr std::string_view kNoWordStart = "(\"`{[:;&#*@)}]-,";

bool is_listed(std::string_view word, const auto& list) {
  return std::binary_search(std::begin(list), std::end(list), word);
}
bool is_end(char c) {
  return c == '.' || c == '?' || c == '!';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "--", "..", of any length: a token of its own. Its end, or `at` where there is none.
std::size_t run_end(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size() || text[at] != text[at + 1] || (text[at] != '-' && text[at] != '.')) return at;
  return std::min(text.find_first_not_of(text[at], at), text.size());
}

// Whether a word's token ends before text[at].
bool word_ends(std::string_view text, std::size_t at) {
  if (at >= text.size() || text[at] == ' ' || contains(kNonWord, text.substr(at, 1)) ||
      run_end(text, at) > at)
    return true;
  return text[at] == ',' && (at + 1 >= text.size() || text[at + 1] == ' ' ||
                             contains(kNonWord, text.substr(at + 1, 1)) || run_end(text, at + 1) > at + 1);
}

std::vector<std::string_view> punkt_tokens(std::string_view text) {
  std::vector<std::string_view> tokens;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ') {
      ++at;
      continue;
    }
    std::size_t end = run_end(text, at);
    if (end == at) {
      end = at + 1;
      if (!contains(kNoWordStart, text.substr(at, 1))) {
        while (!word_ends(text, end)) ++end;
      }
    }
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

enum class Starts { kYes, kNo, kUnknown };

// Whether a token looks like the first of a sentence.
Starts starts_sentence(std::string_view token) {
  if (token.size() == 1 && contains(";:,.!?", token)) return Starts::kNo;
  std::size_t at = 0;
  const char32_t first = jinja::next_char(token, at);
  if (jinja::is_upper(first)) return is_listed(lower(token), kStarters) ? Starts::kYes : Starts::kUnknown;
  return jinja::is_lower(first) ? Starts::kNo : Starts::kUnknown;
}

bool is_number(std::string_view word) {
  if (word.starts_with('-')) word.remove_prefix(1);
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == '.' || c == ','; }) &&
         std::any_of(word.begin(), word.end(), is_digit);
}

bool is_initial(std::string_view word) {
  if (jinja::count_chars(word) != 1) return false;
  std::size_t at = 0;
  return jinja::is_alpha(jinja::next_char(word, at));
}

// Whether a sentence ends with `token`, which is followed by `next`.
bool ends_sentence(std::string_view token, std::string_view next) {
  if (token == "?" || token == "!" || token == ".") return true;
  if (token.empty() || token.back() != '.') return false;
  const Starts starts = starts_sentence(next);
  if (token.find_first_not_of('.') == std::string_view::npos) return starts == Starts::kYes;
  if (token.ends_with("..")) return false;
  const std::string_view word = token.substr(0, token.size() - 1);
  const std::string lowered = lower(word);
  const std::string_view last = std::string_view(lowered).substr(lowered.rfind('-') + 1);
  const bool abbreviation = is_listed(lowered, kAbbreviations) || is_listed(last, kAbbreviations);
  if (is_initial(word)) {
    if (starts == Starts::kNo || starts == Starts::kUnknown) return false;
    return !abbreviation || starts == Starts::kYes;
  }
  if (abbreviation) return starts == Starts::kYes;
  return !is_number(word) || starts != Starts::kNo;
}

bool context_has_break(std::string_view context) {
  const std::vector<std::string_view> tokens = punkt_tokens(context);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (ends_sentence(tokens[i], tokens[i + 1])) return true;
  }
  return false;
}

// Closing quotes and brackets alone go with the sentence before them.
bool is_only_closing(std::string_view text) {
  return text.find_first_not_of("\"')]}") == std::string_view::npos;
}

}  // namespace

std::size_t count_sentences(std::string_view text) {
  constexpr std::size_t kMaxContext = 512;
  const std::vector<std::string_view> words = split_words(text);
  std::size_t count = 0;
  bool open = false;  // something stands behind the last break
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::string_view next = i + 1 < words.size() ? words[i + 1] : std::string_view();
    std::size_t end = word.size();
    for (std::size_t at = word.size(); at-- > 0;) {
      const bool last = at + 1 == word.size();
      if (is_end(word[at]) && (last ? !next.empty() : contains(kNonWord, word.substr(at + 1, 1)))) {
        end = at;
        break;
      }
    }
    open = true;
    if (end == word.size()) continue;
    // A word longer than any context keeps its end, which decides.
    const std::size_t begin = end > kMaxContext ? end - kMaxContext : 0;
    std::string context(word.substr(begin, end + 1 - begin));
    const std::string_view rest = word.substr(end + 1);
    context += rest.empty() ? " " + std::string(next.substr(0, kMaxContext)) : std::string(rest.substr(0, 1));
    if (!context_has_break(context)) continue;
    ++count;
    open = !is_only_closing(rest);
  }
  return count + (open ? 1 : 0);
}

}  // namespace caravan::data
