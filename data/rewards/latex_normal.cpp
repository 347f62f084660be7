#include "data/rewards/latex_normal.h"

#include <algorithm>
#include <utility>

#include "data/rewards/boxed.h"
#include "data/rewards/text_pieces.h"

namespace caravan::data {
namespace {

using Swap = std::pair<std::string_view, std::string_view>;

// Commands, in one walk: the longest name first where one begins another.
constexpr Swap kCommands[] = {{"left", ""},
                              {"right", ""},
                              {"displaystyle", ""},
                              {"textstyle", ""},
                              {"limits", ""},
                              {"quad", " "},
                              {"qquad", " "},
                              {"dfrac", "\\frac"},
                              {"tfrac", "\\frac"},
                              {"cfrac", "\\frac"},
                              {"mathrm", "\\text"},
                              {"textbf", "\\text"},
                              {"textit", "\\text"},
                              {"textrm", "\\text"},
                              {"mbox", "\\text"},
                              {"mathbf", "\\text"},
                              {"mathit", "\\text"},
                              {"operatorname", "\\text"},
                              {"leq", "\\le"},
                              {"leqslant", "\\le"},
                              {"geq", "\\ge"},
                              {"geqslant", "\\ge"},
                              {"lt", "<"},
                              {"gt", ">"},
                              {"neq", "\\ne"},
                              {"degree", ""},
                              {"varnothing", "\\emptyset"},
                              {"ast", "*"},
                              {"dots", "\\ldots"},
                              {"cdots", "\\ldots"},
                              {"lbrace", "\\{"},
                              {"rbrace", "\\}"},
                              {"lvert", "|"},
                              {"rvert", "|"},
                              {"vert", "|"},
                              {"mid", "|"},
                              {"big", ""},
                              {"Big", ""},
                              {"bigl", ""},
                              {"bigr", ""},
                              {"lbrack", "["},
                              {"rbrack", "]"},
                              {"bmatrix", ""},
                              {"cdot", "\\times"},
                              {"arctg", "\\arctan"},
                              {"tg", "\\tan"},
                              {"ctg", "\\cot"},
                              {"iff", "="},
                              {"varphi", "\\phi"},
                              {"varepsilon", "\\epsilon"},
                              {"boxed", ""},
                              {"fbox", ""},
                              {"rm", ""},
                              {"newline", " "}};

constexpr Swap kCharacters[] = {{"\xe2\x88\x92", "-"},
                                {"\xe2\x80\x93", "-"},
                                {"\xc3\x97", "\\times "},
                                {"\xc2\xb7", "\\times "},
                                {"\xe2\x8b\x85", "\\times "},
                                {"\xc3\xb7", "\\div "},
                                {"\xcf\x80", "\\pi "},
                                {"\xe2\x88\x9a", "\\sqrt "},
                                {"\xe2\x88\x9e", "\\infty "},
                                {"\xe2\x89\xa4", "\\le "},
                                {"\xe2\x89\xa5", "\\ge "},
                                {"\xe2\x88\xaa", "\\cup "},
                                {"\xe2\x88\x85", "\\emptyset "},
                                {"\xc2\xb0", ""},
                                {"\xc2\xb1", "\\pm "},
                                {"\xc2\xb2", "^2"},
                                {"\xc2\xb3", "^3"},
                                {"\xc2\xa0", " "},
                                {"\xce\xb8", "\\theta "},
                                {"\xe2\x88\x88", "\\in "}};

bool is_letter(char c) {
  return (c | 32) >= 'a' && (c | 32) <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What a backslash begins at text[at]; moves behind it.
void append_command(std::string_view text, std::size_t& at, std::string& out) {
  std::size_t end = at + 1;
  while (end < text.size() && is_letter(text[end])) ++end;
  const std::string_view name = text.substr(at + 1, end - at - 1);
  if (name.empty()) {
    const char c = end < text.size() ? text[end] : ' ';
    if ((static_cast<unsigned char>(c) & 0x80u) != 0) {
      at = end;  // a character of several bytes stays whole
      return;
    }
    at = std::min(end + 1, text.size());
    if (contains(",;:> ", std::string_view(&c, 1))) out.push_back(' ');
    if (c == '\\' || c == '{' || c == '}' || c == '%') out.append({'\\', c});
    if (c == '|') out.push_back('|');
    return;  // the rest (\! \$ \( \) \[ \]) has no meaning of its own here
  }
  at = end;
  const auto* const known = std::find_if(std::begin(kCommands), std::end(kCommands),
                                         [&](const Swap& swap) { return swap.first == name; });
  if (known == std::end(kCommands)) {
    out.append("\\").append(name);
    return;
  }
  out.append(known->second);
  // \left. is no bracket at all.
  if ((name == "left" || name == "right") && at < text.size() && text[at] == '.') ++at;
}

bool append_character(std::string_view text, std::size_t& at, std::string& out) {
  for (const auto& [what, by] : kCharacters) {
    if (text.substr(at, what.size()) != what) continue;
    out.append(by);
    at += what.size();
    return true;
  }
  return false;
}

std::string spell_once(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '\\') {
      append_command(text, at, out);
    } else if ((static_cast<unsigned char>(c) & 0x80u) != 0 && append_character(text, at, out)) {
      continue;
    } else if (c == '$' || c == '\n' || c == '\t' || c == '\r' || c == '~') {
      if (c != '$') out.push_back(' ');
      ++at;
    } else {
      out.push_back(c);
      ++at;
    }
  }
  for (const auto& [what, by] :
       {Swap{"^\\circ", ""}, {"^{\\circ}", ""}, {"^ \\circ", ""}, {"{,}", ","}, {"\\ldots", "..."}}) {
    if (contains(out, what)) out = replace_all(out, what, by);
  }
  return out;
}

// 1,234,567 loses its commas where nothing else can be meant: outside of brackets, one to three digits, then
// threes only.
std::string without_thousands(std::string_view text) {
  std::string out;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '(' || c == '[') ++depth;
    if ((c == ')' || c == ']') && depth > 0) --depth;
    const bool begins =
        is_digit(c) && (at == 0 || (!is_digit(text[at - 1]) && text[at - 1] != '.' && text[at - 1] != ','));
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    std::size_t digits = end - at, groups = end;
    while (begins && depth == 0 && digits <= 3 && groups + 3 < text.size() + 0 && text[groups] == ',' &&
           is_digit(text[groups + 1]) && is_digit(text[groups + 2]) && groups + 3 < text.size() &&
           is_digit(text[groups + 3]) && (groups + 4 >= text.size() || !is_digit(text[groups + 4])))
      groups += 4;
    if (end == at) {
      out.push_back(c);
      ++at;
      continue;
    }
    for (; at < groups; ++at) {
      if (text[at] != ',') out.push_back(text[at]);
    }
  }
  return out;
}

}  // namespace

std::string latex_normal(std::string_view answer) {
  std::string text = without_thousands(spell_once(answer));
  std::string_view view = trim(text);
  while (view.ends_with("\\\\") || (view.ends_with('.') && !view.ends_with("...")) || view.ends_with(',') ||
         view.ends_with(';'))
    view = trim(view.substr(0, view.size() - (view.ends_with('\\') ? 2 : 1)));
  // A backslash alone at the end is half of a line break.
  if (view.ends_with('\\')) view.remove_suffix(1);
  for (int i = 0; i < 8 && view.starts_with('{') && closing_brace(view, 0) == view.size() - 1; ++i)
    view = trim(view.substr(1, view.size() - 2));
  return std::string(view);
}

std::string latex_key(std::string_view normal) {
  std::string key(normal);
  std::erase(key, ' ');
  return key;
}

std::string latex_words(std::string_view normal) {
  std::string text(normal);
  const bool wrapped = text.starts_with("\\text");
  if (text == "\\emptyset" || text == "\\{\\}") return "no solution";
  text = replace_all(text, "\\text", "");
  std::string words;
  std::size_t letters = 0;
  for (const char c : lower(text)) {
    if (contains("{}().,:;'\"!?", std::string_view(&c, 1))) continue;
    if (!is_letter(c) && (static_cast<unsigned char>(c) & 0x80u) == 0 && c != ' ' && c != '-') return {};
    letters += c != ' ';
    words.push_back(c);
  }
  std::string joined;
  for (const std::string_view word : split_words(words))
    joined.append(joined.empty() ? "" : " ").append(word);
  const bool choice =
      letters == 1 && normal.size() > 0 && words.find_first_of("abcdefgh") != std::string::npos &&
      (wrapped || normal.starts_with('(') || (normal.size() == 1 && normal[0] >= 'A' && normal[0] <= 'H'));
  if (letters < 2 && !choice) return {};
  if (letters < 4 && !wrapped && !choice && joined != "yes" && joined != "no" && joined != "odd" &&
      joined != "dne")
    return {};
  for (const std::string_view none :
       {"no solutions", "empty set", "none", "no real solution", "no real solutions", "does not exist"}) {
    if (joined == none) return "no solution";
  }
  return joined;
}

}  // namespace caravan::data
