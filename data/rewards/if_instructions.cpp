// IFEval's 25 instructions. Each check is linear in the text: where the published ones are regular
// expressions that go back and forth, what they match is found by one walk.
#include <algorithm>
#include <array>
#include <utility>

#include "data/chat/jinja_unicode.h"
#include "data/rewards/instruction.h"
#include "data/rewards/language.h"
#include "data/rewards/markdown_marks.h"
#include "data/rewards/pattern.h"
#include "data/rewards/sentences.h"
#include "data/rewards/text_pieces.h"
#include "data/rewards/treebank_words.h"

namespace caravan::data {
namespace {

using Args = InstructionArguments;

Verdict said(bool followed) {
  return followed ? Verdict::kRight : Verdict::kWrong;
}
Verdict said(PatternResult result, bool wanted = true) {
  if (result == PatternResult::kGaveUp) return Verdict::kUnknown;
  return said((result == PatternResult::kFound) == wanted);
}
std::int64_t number(std::size_t count) {
  return static_cast<std::int64_t>(count);
}

Verdict existence(std::string_view text, const Args& args) {
  for (const std::string& keyword : args.texts("keywords")) {
    const PatternResult found = Pattern(keyword, true).search(text);
    if (found != PatternResult::kFound) return said(found);
  }
  return Verdict::kRight;
}

Verdict frequency(std::string_view text, const Args& args) {
  std::size_t count = 0;
  const PatternResult found = Pattern(trim(args.text("keyword")), true).count(text, count);
  const bool met = meets(number(count), args.whole("frequency"), args.text("relation"));
  return found == PatternResult::kGaveUp ? Verdict::kUnknown : said(met);
}

Verdict forbidden_words(std::string_view text, const Args& args) {
  for (const std::string& word : args.texts("forbidden_words")) {
    const PatternResult found = Pattern("\\b" + word + "\\b", true).search(text);
    if (found != PatternResult::kNone) return said(found, false);
  }
  return Verdict::kRight;
}

Verdict letter_frequency(std::string_view text, const Args& args) {
  const std::string letter = lower(args.text("letter"));
  if (letter.empty()) throw BadArgument{"the argument 'letter' is empty"};
  // A letter of a single character that is part of no other, so bytes can be compared.
  const std::size_t count = jinja::count_chars(letter) == 1 ? count_of(lower(text), letter) : 0;
  return said(meets(number(count), args.whole("let_frequency"), args.text("let_relation")));
}

Verdict response_language(std::string_view text, const Args& args) {
  if (!has_letters(text)) return Verdict::kRight;  // as published: nothing to tell a language by
  return said(detect_language(text) == args.text("language"));
}

Verdict number_sentences(std::string_view text, const Args& args) {
  return said(meets(number(count_sentences(text)), args.whole("num_sentences"), args.text("relation")));
}

Verdict number_paragraphs(std::string_view text, const Args& args) {
  const std::vector<std::string_view> parts = split_at(text, "***");
  std::size_t count = parts.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!trim(parts[i]).empty()) continue;
    if (i != 0 && i + 1 != parts.size()) return Verdict::kWrong;
    --count;
  }
  return said(number(count) == args.whole("num_paragraphs"));
}

Verdict number_words(std::string_view text, const Args& args) {
  return said(meets(number(word_runs(text).size()), args.whole("num_words"), args.text("relation")));
}

// "well-known" is two words to the published rule and one to many readers.
bool one_hyphen_decides(std::string_view text, const Args& args) {
  const std::vector<std::string_view> runs = word_runs(text);
  bool joined = false;
  for (std::size_t i = 1; i < runs.size() && !joined; ++i) {
    const char* const end = runs[i - 1].data() + runs[i - 1].size();
    joined = *end == '-' && end + 1 == runs[i].data();
  }
  const std::int64_t wanted = args.whole("num_words");
  const std::string& relation = args.text("relation");
  const std::int64_t count = number(runs.size());
  return joined && meets(count, wanted, relation) != meets(count - 1, wanted, relation);
}

Verdict nth_paragraph_first_word(std::string_view text, const Args& args) {
  const std::vector<std::string_view> parts = split_at(text, "\n\n");
  const std::int64_t nth = args.whole("nth_paragraph"), wanted = args.whole("num_paragraphs");
  const auto count = number(static_cast<std::size_t>(
      std::count_if(parts.begin(), parts.end(), [](std::string_view part) { return !trim(part).empty(); })));
  if (nth < 1 || nth > count) return Verdict::kWrong;
  const std::string_view paragraph = trim(parts[static_cast<std::size_t>(nth - 1)]);
  if (paragraph.empty()) return Verdict::kWrong;
  std::string_view word = split_words(paragraph).front();
  word.remove_prefix(std::min(word.find_first_not_of('\''), word.size()));
  word.remove_prefix(std::min(word.find_first_not_of('"'), word.size()));
  const std::string first = lower(word.substr(0, word.find_first_of(".,?!'\"")));
  return said(count == wanted && first == lower(args.text("first_word")));
}

Verdict number_placeholders(std::string_view text, const Args& args) {
  return said(number(count_brackets(text)) >= args.whole("num_placeholders"));
}

Verdict postscript(std::string_view text, const Args& args) {
  const std::string lowered = lower(text), marker(trim(args.text("postscript_marker")));
  const std::string expression = marker == "P.P.S"  ? "p\\.\\s?p\\.\\s?s"
                                 : marker == "P.S." ? "p\\.\\s?s\\."
                                                    : lower(marker);
  return said(Pattern(expression, false).search(lowered));
}

Verdict number_bullet_lists(std::string_view text, const Args& args) {
  return said(number(count_bullets(text, '*') + count_bullets(text, '-')) == args.whole("num_bullets"));
}

Verdict constrained_response(std::string_view text, const Args&) {
  constexpr std::string_view kAnswers[] = {"My answer is yes.", "My answer is no.", "My answer is maybe."};
  return said(std::any_of(std::begin(kAnswers), std::end(kAnswers),
                          [&](std::string_view answer) { return contains(text, answer); }));
}

Verdict number_highlighted_sections(std::string_view text, const Args& args) {
  return said(number(count_highlights(text)) >= args.whole("num_highlights"));
}

Verdict multiple_sections(std::string_view text, const Args& args) {
  std::size_t count = 0;
  const Pattern pattern("\\s?" + std::string(trim(args.text("section_spliter"))) + "\\s?\\d+\\s?", false);
  if (pattern.count(text, count) == PatternResult::kGaveUp) return Verdict::kUnknown;
  return said(number(count) >= args.whole("num_sections"));
}

Verdict json_format(std::string_view text, const Args&) {
  text = trim(text);
  for (const std::string_view fence : {"```json", "```Json", "```JSON", "```"}) {
    if (text.starts_with(fence)) text.remove_prefix(fence.size());
  }
  if (text.ends_with("```")) text.remove_suffix(3);
  return said(Json::accept(trim(text)));
}

Verdict title(std::string_view text, const Args&) {
  for (const std::string_view line : split_at(text, "\n")) {
    const std::size_t open = line.find("<<"), close = line.rfind(">>");
    if (open == std::string_view::npos || close == std::string_view::npos || close < open + 3) continue;
    std::string_view inside = line.substr(open, close + 2 - open);
    inside.remove_prefix(std::min(inside.find_first_not_of('<'), inside.size()));
    inside = inside.substr(0, inside.find_last_not_of('>') + 1);
    if (!trim(inside).empty()) return Verdict::kRight;
  }
  return Verdict::kWrong;
}

Verdict two_responses(std::string_view text, const Args&) {
  const std::vector<std::string_view> parts = split_at(text, "******");
  std::vector<std::string_view> answers;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = trim(parts[i]);
    if (!part.empty())
      answers.push_back(part);
    else if (i != 0 && i + 1 != parts.size())
      return Verdict::kWrong;
  }
  return said(answers.size() == 2 && answers[0] != answers[1]);
}

Verdict repeat_prompt(std::string_view text, const Args& args) {
  return said(lower(trim(text)).starts_with(lower(trim(args.text("prompt_to_repeat")))));
}

Verdict end_checker(std::string_view text, const Args& args) {
  return said(lower(trim_chars(trim(text), "\"")).ends_with(lower(trim(args.text("end_phrase")))));
}

Verdict quotation(std::string_view text, const Args&) {
  text = trim(text);
  return said(text.size() > 1 && text.front() == '"' && text.back() == '"');
}

Verdict capital_word_frequency(std::string_view text, const Args& args) {
  return said(meets(number(count_capital_words(text)), args.whole("capital_frequency"),
                    args.text("capital_relation")));
}

// A text in one case that is English. Where no small word tells the language, as in lists of names, several
// words pass for English and one word alone does not.
Verdict english_in_case(std::string_view text, bool upper) {
  if (!is_one_case(text, upper)) return Verdict::kWrong;
  const std::string found = detect_language(text);
  if (!found.empty()) return said(found == "en");
  const std::string lowered = lower(text);
  const std::vector<std::string_view> runs = word_runs(lowered);
  return said(std::any_of(runs.begin(), runs.end(), [&](std::string_view run) {
    return run != runs[0] && run.find_first_not_of("0123456789") != std::string_view::npos;
  }));
}
Verdict english_capital(std::string_view text, const Args&) {
  return english_in_case(text, true);
}
Verdict english_lowercase(std::string_view text, const Args&) {
  return english_in_case(text, false);
}
Verdict no_comma(std::string_view text, const Args&) {
  return said(!contains(text, ","));
}

using Check = Verdict (*)(std::string_view, const Args&);
constexpr std::array<std::pair<std::string_view, Check>, 25> kChecks = {{
    {"change_case:capital_word_frequency", capital_word_frequency},
    {"change_case:english_capital", english_capital},
    {"change_case:english_lowercase", english_lowercase},
    {"combination:repeat_prompt", repeat_prompt},
    {"combination:two_responses", two_responses},
    {"detectable_content:number_placeholders", number_placeholders},
    {"detectable_content:postscript", postscript},
    {"detectable_format:constrained_response", constrained_response},
    {"detectable_format:json_format", json_format},
    {"detectable_format:multiple_sections", multiple_sections},
    {"detectable_format:number_bullet_lists", number_bullet_lists},
    {"detectable_format:number_highlighted_sections", number_highlighted_sections},
    {"detectable_format:title", title},
    {"keywords:existence", existence},
    {"keywords:forbidden_words", forbidden_words},
    {"keywords:frequency", frequency},
    {"keywords:letter_frequency", letter_frequency},
    {"language:response_language", response_language},
    {"length_constraints:nth_paragraph_first_word", nth_paragraph_first_word},
    {"length_constraints:number_paragraphs", number_paragraphs},
    {"length_constraints:number_sentences", number_sentences},
    {"length_constraints:number_words", number_words},
    {"punctuation:no_comma", no_comma},
    {"startend:end_checker", end_checker},
    {"startend:quotation", quotation},
}};

}  // namespace

std::optional<Verdict> check_instruction(std::string_view id, const InstructionArguments& arguments,
                                         std::string_view text, bool by_rules) {
  if (id.starts_with("en:")) id.remove_prefix(3);
  if (!by_rules && id == "length_constraints:number_words" && one_hyphen_decides(text, arguments))
    return Verdict::kUnknown;
  for (const auto& [name, check] : kChecks) {
    if (name == id) return check(text, arguments);
  }
  return std::nullopt;
}

}  // namespace caravan::data
