// Filters from text to text.
#include <algorithm>
#include <array>
#include <string>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_filters.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_methods.h"
#include "data/chat/jinja_print.h"
#include "data/chat/jinja_text_edits.h"
#include "data/chat/jinja_unicode.h"

namespace caravan::data::jinja {

namespace {

Value upper(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return map_text(run, to_text(run, input), to_upper);
}

Value lower(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return map_text(run, to_text(run, input), to_lower);
}

Value capitalize(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return map_text(run, to_text(run, input), to_capitalized, false);
}

// Unlike str.title(), only blanks, hyphens and opening brackets begin a word.
std::string title_words(std::string_view text) {
  std::string result;
  std::size_t begin = 0;
  auto begins_word = [](char32_t c) {
    return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
  };
  auto add_word = [&](std::size_t end) {
    if (begin == end) return;
    std::size_t rest = begin;
    next_char(text, rest);
    result += to_upper(text.substr(begin, rest - begin)) + to_lower(text.substr(rest, end - rest));
  };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t here = at;
    if (!begins_word(next_char(text, at))) continue;
    add_word(here);
    result += text.substr(here, at - here);
    begin = at;
  }
  add_word(text.size());
  return result;
}

Value title(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  Value mapped = map_text(run, to_text(run, input), title_words, false);
  mapped.safe = false;
  return mapped;
}

Value trim(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"chars"});
  Value text = to_text(run, input);
  run.charge(text.size);
  if (!bound.has_value(0)) return strip(run, text, {}, true, true);
  std::string_view characters = bound.text(0, "chars");
  return characters.empty() ? text : strip(run, text, characters, true, true);
}

Value replace_filter(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"old", "new", "count"});
  Value text = to_text(run, input);
  text.safe = false;
  return replace(run, text, to_text(run, bound.value(0, "old")), to_text(run, bound.value(1, "new")),
                 bound.has_value(2) ? bound.integer_or(2, -1) : -1);
}

Value escape(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  Value text = to_text(run, input);
  run.charge(text.size * (1ull + text.num_runs()));
  return escape_html(run.arena(), text);
}

Value force_escape(Interpreter& run, const Value& input, const Arguments& arguments) {
  Value text = to_text(run, input);
  text.safe = false;
  return escape(run, text, arguments);
}

Value safe(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  Value text = to_text(run, input);
  text.safe = true;
  return text;
}

Value string(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  return to_text(run, input);
}

// Each line end and where the next line begins.
Value indent(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"width", "first", "blank"});
  std::string indention = bound.has(0) && bound.value_or(0, make_none()).is_string()
                              ? std::string(bound.text(0, "width"))
                              : std::string();
  if (indention.empty() && !(bound.has(0) && bound.value_or(0, make_none()).is_string())) {
    std::int64_t width = bound.integer_or(0, 4);
    run.charge(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)));
    indention.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  bool first = bound.flag_or(1, false);
  bool blank = bound.flag_or(2, false);
  Value text = to_text(run, input);
  std::string_view all = text.view();
  TextBuilder builder;
  if (first) builder.append(indention, kTemplateOrigin);
  for (std::size_t begin = 0; begin <= all.size();) {
    std::size_t end = std::min(all.find('\n', begin), all.size());
    if (begin > 0 && (blank || end > begin)) builder.append(indention, kTemplateOrigin);
    run.charge(indention.size() + (end - begin) + text.num_runs());
    builder.append(text, begin, std::min(end + 1, all.size()));
    if (end == all.size()) break;
    begin = end + 1;
  }
  Value indented = builder.finish(run.arena());
  indented.safe = text.safe;
  return indented;
}

Value center(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"width"});
  Value width = make_int(bound.integer_or(0, 80));
  Arguments forwarded;
  forwarded.positional = {&width, 1};
  return call_method(run, to_text(run, input), Method::kCenter, forwarded);
}

Value truncate(Interpreter& run, const Value& input, const Arguments& arguments) {
  BoundArguments bound(arguments, {"length", "killwords", "end", "leeway"});
  std::int64_t length = bound.integer_or(0, 255);
  Value end = bound.value_or(2, make_string("..."));
  if (!end.is_string()) throw Fault("truncate needs a text as end");
  Value text = to_text(run, input);
  run.charge(text.size);
  auto end_length = static_cast<std::int64_t>(count_chars(end.view()));
  if (length < end_length) throw Fault("truncate needs a length of at least " + std::to_string(end_length));
  if (static_cast<std::int64_t>(count_chars(text.view())) <= length + bound.integer_or(3, 5)) return text;
  std::size_t cut = byte_of_char(text.view(), static_cast<std::size_t>(length - end_length));
  if (!bound.flag_or(1, false)) {
    std::size_t blank = text.view().substr(0, cut).rfind(' ');
    if (blank != std::string_view::npos) cut = blank;
  }
  const Value parts[] = {substring(run.arena(), text, 0, cut), end};
  return concatenate(run.arena(), parts);
}

Value word_count(Interpreter& run, const Value& input, const Arguments& arguments) {
  expect_no_arguments(arguments);
  std::string text(to_text(run, input).view());
  run.charge(text.size());
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    char32_t c = next_char(text, at);
    bool word = is_alpha(c) || is_digit(c) || c == '_';
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return make_int(words);
}

constexpr std::array<FilterEntry, 15> kFilters = {{
    {"upper", upper},
    {"lower", lower},
    {"capitalize", capitalize},
    {"title", title},
    {"trim", trim},
    {"replace", replace_filter},
    {"escape", escape},
    {"e", escape},
    {"forceescape", force_escape},
    {"safe", safe},
    {"string", string},
    {"indent", indent},
    {"center", center},
    {"truncate", truncate},
    {"wordcount", word_count},
}};

}  // namespace

std::span<const FilterEntry> text_filters() {
  return kFilters;
}

}  // namespace caravan::data::jinja
