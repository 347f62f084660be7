#include "data/chat/jinja_methods.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"
#include "data/chat/jinja_text.h"
#include "data/chat/jinja_text_edits.h"
#include "data/chat/jinja_unicode.h"
#include "data/chat/text_search.h"

namespace caravan::data::jinja {

namespace {

constexpr std::array<std::pair<std::string_view, Method>, 39> kMethods = {{
    {"strip", Method::kStrip},
    {"lstrip", Method::kLstrip},
    {"rstrip", Method::kRstrip},
    {"split", Method::kSplit},
    {"rsplit", Method::kRsplit},
    {"splitlines", Method::kSplitlines},
    {"partition", Method::kPartition},
    {"rpartition", Method::kRpartition},
    {"startswith", Method::kStartswith},
    {"endswith", Method::kEndswith},
    {"removeprefix", Method::kRemoveprefix},
    {"removesuffix", Method::kRemovesuffix},
    {"replace", Method::kReplace},
    {"upper", Method::kUpper},
    {"lower", Method::kLower},
    {"title", Method::kTitle},
    {"capitalize", Method::kCapitalize},
    {"swapcase", Method::kSwapcase},
    {"find", Method::kFind},
    {"rfind", Method::kRfind},
    {"index", Method::kIndex},
    {"count", Method::kCount},
    {"join", Method::kJoin},
    {"format", Method::kFormat},
    {"isdigit", Method::kIsdigit},
    {"isalpha", Method::kIsalpha},
    {"isalnum", Method::kIsalnum},
    {"isspace", Method::kIsspace},
    {"isupper", Method::kIsupper},
    {"islower", Method::kIslower},
    {"zfill", Method::kZfill},
    {"center", Method::kCenter},
    {"ljust", Method::kLjust},
    {"rjust", Method::kRjust},
    {"get", Method::kGet},
    {"items", Method::kItems},
    {"keys", Method::kKeys},
    {"values", Method::kValues},
    {"copy", Method::kCopy},
}};

// ---------------------------------------------------------------- asking
bool has_affix(const Value& string, const Value& affix, bool prefix) {
  if (affix.is_sequence()) {
    return std::any_of(affix.list->span().begin(), affix.list->span().end(),
                       [&](const Value& one) { return has_affix(string, one, prefix); });
  }
  if (affix.is(Kind::kUndefined)) fail_undefined(affix);
  if (!affix.is_string())
    throw Fault(std::string("startswith and endswith need a text, got ") + type_name(affix));
  return prefix ? string.view().starts_with(affix.view()) : string.view().ends_with(affix.view());
}

Value test_affix(const Value& string, const Arguments& arguments, bool prefix) {
  BoundArguments bound(arguments, {"affix"});
  const Value& affix = bound.value(0, "affix");
  if (affix.is_sequence()) {
    for (const Value& one : affix.list->span()) {
      if (one.is_sequence()) throw Fault("startswith and endswith need texts");
    }
  }
  return make_bool(has_affix(string, affix, prefix));
}

Value find_text(Interpreter& run, const Value& string, const Arguments& arguments, Method method) {
  BoundArguments bound(arguments, {"sub"});
  std::string_view sub = bound.text(0, "sub");
  std::string_view text = string.view();
  run.charge(text.size());
  std::size_t at = method == Method::kRfind ? find_last(text, sub) : find_first(text, sub);
  if (at != std::string_view::npos)
    return make_int(static_cast<std::int64_t>(count_chars(text.substr(0, at))));
  if (method == Method::kIndex) throw Fault("index(): '" + std::string(sub) + "' not found");
  return make_int(-1);
}

Value count_text(Interpreter& run, const Value& string, const Arguments& arguments) {
  BoundArguments bound(arguments, {"sub"});
  std::string_view sub = bound.text(0, "sub");
  std::string_view text = string.view();
  run.charge(text.size());
  if (sub.empty()) return make_int(static_cast<std::int64_t>(count_chars(text)) + 1);
  std::int64_t count = 0;
  for (std::size_t at = find_first(text, sub); at != std::string_view::npos;
       at = find_first(text, sub, at + sub.size()))
    ++count;
  return make_int(count);
}

template <typename Accept>
Value all_chars(const Value& string, Accept accept) {
  std::string_view text = string.view();
  for (std::size_t at = 0; at < text.size();) {
    if (!accept(next_char(text, at))) return make_bool(false);
  }
  return make_bool(!text.empty());
}

// At least one cased character, and none of the other case.
Value all_cased(const Value& string, bool upper) {
  bool any = false;
  std::string_view text = string.view();
  for (std::size_t at = 0; at < text.size();) {
    char32_t c = next_char(text, at);
    if (upper ? is_lower(c) : is_upper(c)) return make_bool(false);
    any = any || is_upper(c) || is_lower(c);
  }
  return make_bool(any);
}

std::string swap_case(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t begin = at;
    char32_t c = next_char(text, at);
    std::string_view one = text.substr(begin, at - begin);
    result += is_upper(c) ? to_lower(one) : is_lower(c) ? to_upper(one) : std::string(one);
  }
  return result;
}

// ---------------------------------------------------------------- padding, formatting
Value pad(Interpreter& run, const Value& string, const Arguments& arguments, Method method) {
  BoundArguments bound(arguments, {"width", "fillchar"});
  std::int64_t width = bound.integer_or(0, 0);
  std::string_view fill = method == Method::kZfill ? "0" : bound.has(1) ? bound.text(1, "fillchar") : " ";
  if (count_chars(fill) != 1) throw Fault("the fill character must be one character");
  auto length = static_cast<std::int64_t>(count_chars(string.view()));
  if (width <= length) return string;
  auto missing = static_cast<std::size_t>(width - length);
  run.charge(missing * 4);
  std::size_t left = method == Method::kLjust ? 0 : missing;
  // CPython puts the odd blank to the left only where the width is odd as well.
  if (method == Method::kCenter) left = missing / 2 + (missing & static_cast<std::size_t>(width) & 1);
  TextBuilder builder;
  std::size_t sign =
      method == Method::kZfill && string.size > 0 && (string.view()[0] == '-' || string.view()[0] == '+') ? 1
                                                                                                          : 0;
  builder.append(string, 0, sign);
  for (std::size_t i = 0; i < left; ++i) builder.append(fill, kTemplateOrigin);
  builder.append(string, sign, string.size);
  for (std::size_t i = left; i < missing; ++i) builder.append(fill, kTemplateOrigin);
  return builder.finish(run.arena());
}

// "{} and {name}": fields by place or name, without format specifications.
Value format(Interpreter& run, const Value& string, const Arguments& arguments) {
  std::string_view text = string.view();
  TextBuilder builder;
  std::size_t next_place = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '{' && text[at] != '}') {
      std::size_t end = std::min(text.find_first_of("{}", at), text.size());
      builder.append(string, at, end);
      at = end;
    } else if (at + 1 < text.size() && text[at + 1] == text[at]) {
      builder.append(string, at, at + 1);
      at += 2;
    } else {
      std::size_t close = text.find('}', at);
      if (text[at] == '}' || close == std::string_view::npos) throw Fault("format(): a single brace");
      std::string field(text.substr(at + 1, close - at - 1));
      bool is_place = std::all_of(field.begin(), field.end(), [](char c) { return c >= '0' && c <= '9'; });
      const Value* found = nullptr;
      if (is_place && field.size() < 9) {
        std::size_t place = field.empty() ? next_place++ : std::stoul(field);
        if (place < arguments.positional.size()) found = &arguments.positional[place];
      }
      for (const NamedValue& named : arguments.named) found = named.name == field ? &named.value : found;
      if (found == nullptr)
        throw Fault("format(): nothing given for {" + field + "}", "only {}, {0} and {name} are supported");
      print(run, builder, *found);
      run.charge(builder.size() / 64);
      at = close + 1;
    }
  }
  return builder.finish(run.arena());
}

// ---------------------------------------------------------------- dict
Value call_dict_method(Interpreter& run, const Value& object, Method method, const Arguments& arguments) {
  Dict& dict = *object.dict;
  if (method == Method::kGet) {
    BoundArguments bound(arguments, {"key", "default"});
    Value* found = find(run, dict, bound.value(0, "key"));
    return found != nullptr ? *found : bound.value_or(1, make_none());
  }
  expect_no_arguments(arguments);
  if (method == Method::kCopy) return object;
  run.charge(dict.size * 16ull);
  List* list = new_list(run.arena(), dict.size);
  for (const DictEntry& entry : dict.span()) {
    Value item = method == Method::kItems  ? make_items(run.arena(), {entry.key, entry.value}, Kind::kTuple)
                 : method == Method::kKeys ? entry.key
                                           : entry.value;
    append(run.arena(), *list, item);
  }
  return make_list(list, Kind::kList, object.origin);
}

Value call_case_method(Interpreter& run, const Value& string, Method method) {
  switch (method) {
    case Method::kUpper:
      return map_text(run, string, to_upper);
    case Method::kLower:
      return map_text(run, string, to_lower);
    case Method::kTitle:
      return map_text(run, string, to_title, false);
    case Method::kCapitalize:
      return map_text(run, string, to_capitalized, false);
    default:
      return map_text(run, string, swap_case);
  }
}

Value call_test_method(const Value& string, Method method) {
  switch (method) {
    case Method::kIsdigit:
      return all_chars(string, is_digit);
    case Method::kIsalpha:
      return all_chars(string, is_alpha);
    case Method::kIsalnum:
      return all_chars(string, [](char32_t c) { return is_alpha(c) || is_digit(c); });
    case Method::kIsspace:
      return all_chars(string, is_space);
    default:
      return all_cased(string, method == Method::kIsupper);
  }
}

Value strip_method(Interpreter& run, const Value& string, Method method, const Arguments& arguments) {
  BoundArguments bound(arguments, {"chars"});
  std::string_view characters = bound.has_value(0) ? bound.text(0, "chars") : std::string_view();
  if (bound.has_value(0) && characters.empty()) return string;
  return strip(run, string, characters, method != Method::kRstrip, method != Method::kLstrip);
}

Value remove_affix(Interpreter& run, const Value& string, Method method, const Arguments& arguments) {
  BoundArguments bound(arguments, {"affix"});
  std::size_t cut = bound.text(0, "affix").size();
  bool prefix = method == Method::kRemoveprefix;
  if (!has_affix(string, bound.value(0, "affix"), prefix)) return string;
  return prefix ? substring(run.arena(), string, cut, string.size)
                : substring(run.arena(), string, 0, string.size - cut);
}

Value call_string_method(Interpreter& run, const Value& string, Method method, const Arguments& arguments) {
  run.charge(string.size);
  switch (method) {
    case Method::kStrip:
    case Method::kLstrip:
    case Method::kRstrip:
      return strip_method(run, string, method, arguments);
    case Method::kSplit:
    case Method::kRsplit:
      return split(run, string, arguments, method == Method::kRsplit);
    case Method::kSplitlines:
      return splitlines(run, string, arguments);
    case Method::kPartition:
    case Method::kRpartition:
      return partition(run, string, arguments, method == Method::kRpartition);
    case Method::kStartswith:
    case Method::kEndswith:
      return test_affix(string, arguments, method == Method::kStartswith);
    case Method::kRemoveprefix:
    case Method::kRemovesuffix:
      return remove_affix(run, string, method, arguments);
    case Method::kReplace: {
      if (!arguments.named.empty()) throw Fault("str.replace() takes no keyword arguments");
      BoundArguments bound(arguments, {"old", "new", "count"});
      const Value& fresh = bound.value(1, "new");
      bool escapes = string.safe && fresh.is_string();
      Value replaced = replace(run, string, bound.value(0, "old"),
                               escapes ? escape_html(run.arena(), fresh) : fresh, bound.integer_or(2, -1));
      replaced.safe = string.safe;
      return replaced;
    }
    case Method::kFind:
    case Method::kRfind:
    case Method::kIndex:
      return find_text(run, string, arguments, method);
    case Method::kCount:
      return count_text(run, string, arguments);
    case Method::kJoin: {
      BoundArguments bound(arguments, {"iterable"});
      List* items = items_of(run, bound.value(0, "iterable"));
      for (const Value& item : items->span()) {
        if (!item.is_string())
          throw Fault(std::string("join() needs texts, found ") + type_name(item),
                      "map(string) first, or use the filter join");
      }
      return join(run, string, *items);
    }
    case Method::kFormat:
      return format(run, string, arguments);
    case Method::kZfill:
    case Method::kCenter:
    case Method::kLjust:
    case Method::kRjust:
      return pad(run, string, arguments, method);
    default:
      break;
  }
  expect_no_arguments(arguments);
  return method >= Method::kIsdigit ? call_test_method(string, method)
                                    : call_case_method(run, string, method);
}

}  // namespace

Method find_method(std::string_view name) {
  for (const auto& [known, method] : kMethods) {
    if (known == name) return method;
  }
  return Method::kNone;
}

bool has_method(const Value& object, Method method) {
  if (method == Method::kNone) return false;
  if (object.is_string()) return method < Method::kGet;
  if (object.is(Kind::kDict)) return method >= Method::kGet;
  return false;
}

Value call_method(Interpreter& run, const Value& object, Method method, const Arguments& arguments) {
  return object.is_string() ? call_string_method(run, object, method, arguments)
                            : call_dict_method(run, object, method, arguments);
}

}  // namespace caravan::data::jinja
