#include <array>
#include <span>
#include <utility>

#include "data/chat/jinja_unicode.h"
#include "data/rewards/math_rules.h"
#include "data/rewards/text_pieces.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

using Replacements = std::pair<std::string_view, std::string_view>;

constexpr std::array<Replacements, 10> kSwaps = {{{"an ", ""},
                                                  {"a ", ""},
                                                  {".$", "$"},
                                                  {"\\$", ""},
                                                  {"\\ ", ""},
                                                  {" ", ""},
                                                  {"mbox", "text"},
                                                  {",\\text{and}", ","},
                                                  {"\\text{and}", ","},
                                                  {"\\text{m}", "\\text{}"}}};
constexpr std::string_view kDeleted[] = {"square",       "ways",
                                         "integers",     "dollars",
                                         "mph",          "inches",
                                         "ft",           "hours",
                                         "km",           "units",
                                         "\\ldots",      "sue",
                                         "points",       "feet",
                                         "minutes",      "digits",
                                         "cents",        "degrees",
                                         "cm",           "gm",
                                         "pounds",       "meters",
                                         "meals",        "edges",
                                         "students",     "childrentickets",
                                         "multiples",    "\\text{s}",
                                         "\\text{.}",    "\\text{\ns}",
                                         "\\text{}^2",   "\\text{}^3",
                                         "\\text{\n}",   "\\text{}",
                                         "\\mathrm{th}", "^\\circ",
                                         "^{\\circ}",    "\\;",
                                         ",\\!",         "{,}",
                                         "\"",           "\\dots"};
constexpr std::array<Replacements, 10> kHendrycksSwaps = {{{"\n", ""},
                                                           {"\\!", ""},
                                                           {"\\\\", "\\"},
                                                           {"tfrac", "frac"},
                                                           {"dfrac", "frac"},
                                                           {"\\left", ""},
                                                           {"\\right", ""},
                                                           {"^{\\circ}", ""},
                                                           {"^\\circ", ""},
                                                           {"\\$", ""}}};

std::string swap_all(std::string text, std::span<const Replacements> swaps) {
  for (const auto& [what, by] : swaps) {
    if (contains(text, what)) text = replace_all(text, what, by);
  }
  return text;
}

std::string_view char_at(std::string_view text, std::size_t at) {
  return text.substr(at, decode_valid(text.data() + at).num_bytes);
}

// A line with two dollars becomes what stands between them, dollars included.
std::string keep_dollars(std::string_view text) {
  std::string result;
  bool first_line = true;
  for (const std::string_view line : split_at(text, "\n")) {
    if (!first_line) result.push_back('\n');
    first_line = false;
    const std::size_t open = line.find('$');
    const std::size_t close = open == std::string_view::npos ? open : line.find('$', open + 1);
    result.append(close == std::string_view::npos ? line : line.substr(open, close + 1 - open));
  }
  return result;
}

// `open`...} becomes what is between; the first brace closes, or the last one of the line where `greedy`.
std::string unwrap(std::string_view text, std::string_view open, bool greedy) {
  std::string result;
  std::size_t at = 0, line_end = 0, close = 0;
  while (true) {
    const std::size_t found = text.find(open, at);
    if (found == std::string_view::npos) return result.append(text.substr(at));
    const std::size_t begin = found + open.size();
    // Kept between rounds: looking anew each time would make many open braces quadratic.
    if (line_end < begin) line_end = std::min(text.find('\n', begin), text.size());
    if (greedy)
      close = text.substr(0, line_end).rfind('}');
    else if (close < begin)
      close = std::min(text.find('}', begin), text.size());
    if (close == std::string_view::npos || close < begin || close >= line_end) {
      result.append(text.substr(at, begin - at));
      at = begin;
      if (greedy) return result.append(text.substr(at));
      continue;
    }
    result.append(text.substr(at, found - at)).append(text.substr(begin, close - begin));
    at = close + 1;
  }
}

// frac12 -> frac{1}{2}: `name` and the next one or two characters, if the first is no brace.
std::string brace_arguments(std::string_view text, std::string_view name, bool two) {
  std::string result;
  std::size_t at = 0;
  for (std::size_t found = text.find(name); found != std::string_view::npos; found = text.find(name, at)) {
    std::size_t end = found + name.size();
    result.append(text.substr(at, end - at));
    at = end;
    if (end >= text.size() || text[end] == '{') continue;
    const std::string_view first = char_at(text, end);
    end += first.size();
    std::string_view second;
    if (two) {
      if (end >= text.size() || text[end] == '\n') continue;
      second = char_at(text, end);
      end += second.size();
    }
    result.append("{").append(first).append("}");
    if (two) result.append("{").append(second).append("}");
    at = end;
  }
  return result.append(text.substr(at));
}

bool all_digits(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = decode_valid(text.data() + at);
    if (!jinja::is_digit(c.value)) return false;
    at += c.num_bytes;
  }
  return !text.empty();
}

// \sqrt2 -> \sqrt{2}. False where nothing follows: the reference raises.
bool brace_roots(std::string& text) {
  if (!contains(text, "\\sqrt")) return true;
  const std::vector<std::string_view> parts = split_at(text, "\\sqrt");
  std::string result(parts[0]);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].empty()) return false;
    const std::string_view first = char_at(parts[i], 0);
    result.append("\\sqrt");
    if (first == "{")
      result.append(parts[i]);
    else
      result.append("{").append(first).append("}").append(parts[i].substr(first.size()));
  }
  text = std::move(result);
  return true;
}

// \frac12 -> \frac{1}{2}, \frac1{72} -> \frac{1}{72}; too short: unchanged. False where the reference raises.
bool brace_fractions(std::string& text) {
  const std::vector<std::string_view> parts = split_at(text, "\\frac");
  std::string result(parts[0]);
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::string_view part = parts[i];
    if (part.empty()) return false;
    result.append("\\frac");
    if (part[0] == '{') {
      result.append(part);
      continue;
    }
    const std::string_view first = char_at(part, 0);
    if (first.size() == part.size()) return true;
    result.append("{").append(first).append("}");
    const std::string_view rest = part.substr(first.size());
    if (rest[0] == '{') {
      result.append(rest);
      continue;
    }
    const std::string_view second = char_at(rest, 0);
    result.append("{").append(second).append("}").append(rest.substr(second.size()));
  }
  text = std::move(result);
  return true;
}

enum class Whole { kNone, kOdd, kCanonical };

// What Python's int() makes of it: no number (it raises), a number written oddly, or exactly as it prints.
Whole read_whole(std::string_view text) {
  constexpr std::size_t kMaxDigits = 4300;
  const bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative || text.starts_with('+') ? 1 : 0);
  std::size_t num_digits = 0;
  bool odd = text.starts_with('+') || (digits.size() > 1 && digits[0] == '0') || text == "-0";
  for (std::size_t at = 0; at < digits.size();) {
    const DecodedChar c = decode_valid(digits.data() + at);
    if (c.value == '_' && num_digits > 0 && at + 1 < digits.size() && digits[at - 1] != '_') {
      odd = true;
    } else if (jinja::is_digit(c.value)) {
      odd = odd || c.value > 0x7f;
      ++num_digits;
    } else {
      return Whole::kNone;
    }
    at += c.num_bytes;
  }
  if (num_digits == 0 || num_digits > kMaxDigits || digits.ends_with('_')) return Whole::kNone;
  return odd ? Whole::kOdd : Whole::kCanonical;
}

// a/b of whole numbers -> \frac{a}{b}. False where the reference raises.
bool slash_to_fraction(std::string& text) {
  if (count_of(text, "/") != 1) return true;
  const std::size_t slash = text.find('/');
  const std::string top = text.substr(0, slash), bottom = text.substr(slash + 1);
  const Whole first = read_whole(trim(top)), second = read_whole(trim(bottom));
  if (first == Whole::kNone || second == Whole::kNone) return false;
  if (first == Whole::kCanonical && second == Whole::kCanonical) text = "\\frac{" + top + "}{" + bottom + "}";
  return true;
}

}  // namespace

std::string minerva_form(std::string_view answer) {
  const std::size_t equals = answer.rfind('=');
  if (equals != std::string_view::npos) answer.remove_prefix(equals + 1);
  std::string text = swap_all(std::string(answer), kSwaps);
  for (const std::string_view word : kDeleted) {
    if (contains(text, word)) text = replace_all(text, word, "");
  }
  text = keep_dollars(text);
  for (const std::string_view command : {"\\text{", "\\textbf{", "\\overline{"})
    text = unwrap(text, command, false);
  text = unwrap(text, "\\boxed{", true);
  text = brace_arguments(text, "frac", true);
  text = brace_arguments(text, "sqrt", false);
  text = replace_all(text, "$", "");
  std::string no_commas = replace_all(text, ",", "");
  return all_digits(no_commas) ? no_commas : text;
}

std::optional<std::string> hendrycks_form(std::string_view answer) {
  std::string text = swap_all(std::string(answer), kHendrycksSwaps);
  if (contains(text, "\\text{ ")) {
    if (count_of(text, "\\text{ ") != 1) return std::nullopt;
    text.erase(text.find("\\text{ "));
  }
  text = replace_all(replace_all(replace_all(text, "\\%", ""), " .", " 0."), "{.", "{0.");
  if (text.empty()) return text;
  if (text[0] == '.') text.insert(0, "0");
  if (count_of(text, "=") == 1) {
    const std::size_t equals = text.find('=');
    if (jinja::count_chars(std::string_view(text).substr(0, equals)) <= 2) text.erase(0, equals + 1);
  }
  if (!brace_roots(text)) return std::nullopt;
  text = replace_all(text, " ", "");
  if (!brace_fractions(text)) return std::nullopt;
  if (text == "0.5") text = "\\frac{1}{2}";
  if (!slash_to_fraction(text)) return std::nullopt;
  return text;
}

}  // namespace caravan::data
