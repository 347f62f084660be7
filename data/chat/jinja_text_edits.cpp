#include "data/chat/jinja_text_edits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "data/chat/jinja_fault.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_operators.h"
#include "data/chat/jinja_print.h"
#include "data/chat/jinja_unicode.h"
#include "data/chat/text_search.h"

namespace caravan::data::jinja {

namespace {

std::vector<std::pair<std::size_t, std::size_t>> words_of(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> words;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t begin = at;
    bool space = is_space(next_char(text, at));
    if (!space && !inside) words.emplace_back(begin, at);
    if (!space) words.back().second = at;
    inside = !space;
  }
  return words;
}

// Python's split() without a separator: at white space. What is left after `most` cuts keeps its inner white
// space.
Value split_words(Interpreter& run, const Value& string, std::int64_t most, bool from_right) {
  auto words = words_of(string.view());
  List* list = new_list(run.arena(), words.size());
  std::size_t cuts = most < 0 ? words.size() : static_cast<std::size_t>(most);
  std::size_t kept = words.size() > cuts ? words.size() - cuts : 0;  // words that stay in one piece
  auto add = [&](std::size_t begin, std::size_t end) {
    run.charge(string.num_runs());
    append(run.arena(), *list, substring(run.arena(), string, begin, end));
  };
  if (from_right) {
    if (kept > 0) add(0, words[kept - 1].second);
    for (std::size_t i = kept; i < words.size(); ++i) add(words[i].first, words[i].second);
    return make_list(list);
  }
  for (std::size_t i = 0; i < words.size() && i < cuts; ++i) add(words[i].first, words[i].second);
  if (kept > 0) add(words[cuts].first, string.size);
  // The right end keeps its white space, as in Python.
  return make_list(list);
}

Value split_at(Interpreter& run, const Value& string, std::string_view separator, std::int64_t most,
               bool from_right) {
  std::string_view text = string.view();
  std::vector<std::size_t> places;
  auto in_reach = [&] { return most < 0 || places.size() < static_cast<std::size_t>(most); };
  if (from_right) {
    for (std::size_t end = text.size(); in_reach() && end >= separator.size();) {
      std::size_t at = find_last(text.substr(0, end), separator);
      if (at == std::string_view::npos) break;
      places.push_back(at);
      end = at;
    }
    std::reverse(places.begin(), places.end());
  } else {
    for (std::size_t at = find_first(text, separator); in_reach() && at != std::string_view::npos;
         at = find_first(text, separator, at + separator.size())) {
      places.push_back(at);
    }
  }
  List* list = new_list(run.arena(), places.size() + 1);
  std::size_t begin = 0;
  for (std::size_t place : places) {
    run.charge(string.num_runs());
    append(run.arena(), *list, substring(run.arena(), string, begin, place));
    begin = place + separator.size();
  }
  append(run.arena(), *list, substring(run.arena(), string, begin, text.size()));
  return make_list(list);
}

}  // namespace

Value split(Interpreter& run, const Value& string, const Arguments& arguments, bool from_right) {
  BoundArguments bound(arguments, {"sep", "maxsplit"});
  std::int64_t most = bound.integer_or(1, -1);
  run.charge(string.size * 4ull);
  if (!bound.has_value(0)) return split_words(run, string, most, from_right);
  std::string_view separator = bound.text(0, "sep");
  if (separator.empty()) throw Fault("split() needs a separator that is not empty");
  return split_at(run, string, separator, most, from_right);
}

Value splitlines(Interpreter& run, const Value& string, const Arguments& arguments) {
  bool keep_ends = BoundArguments(arguments, {"keepends"}).flag_or(0, false);
  std::string_view text = string.view();
  List* list = new_list(run.arena(), 0);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    char32_t c = next_char(text, at);
    bool breaks =
        (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
    if (!breaks) continue;
    run.charge(string.num_runs());
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    append(run.arena(), *list, substring(run.arena(), string, begin, keep_ends ? at : end));
    begin = at;
  }
  if (begin < text.size()) append(run.arena(), *list, substring(run.arena(), string, begin, text.size()));
  return make_list(list);
}

Value partition(Interpreter& run, const Value& string, const Arguments& arguments, bool from_right) {
  BoundArguments bound(arguments, {"sep"});
  std::string_view separator = bound.text(0, "sep");
  if (separator.empty()) throw Fault("partition() needs a separator that is not empty");
  std::string_view text = string.view();
  std::size_t at = from_right ? find_last(text, separator) : find_first(text, separator);
  auto part = [&](std::size_t begin, std::size_t end) { return substring(run.arena(), string, begin, end); };
  Value empty = make_string("");
  if (at == std::string_view::npos) {
    return from_right ? make_items(run.arena(), {empty, empty, string}, Kind::kTuple)
                      : make_items(run.arena(), {string, empty, empty}, Kind::kTuple);
  }
  std::size_t after = at + separator.size();
  return make_items(run.arena(), {part(0, at), part(at, after), part(after, text.size())}, Kind::kTuple);
}

Value strip(Interpreter& run, const Value& string, std::string_view characters, bool left, bool right) {
  std::string_view text = string.view();
  auto drops = [&](char32_t c) {
    if (characters.empty()) return is_space(c);
    for (std::size_t at = 0; at < characters.size();) {
      if (next_char(characters, at) == c) return true;
    }
    return false;
  };
  std::size_t begin = 0;
  while (left && begin < text.size()) {
    std::size_t next = begin;
    if (!drops(next_char(text, next))) break;
    begin = next;
  }
  std::size_t end = text.size();
  while (right && end > begin) {
    std::size_t last = end - 1;  // back to the start of the last character
    while (last > begin && (static_cast<unsigned char>(text[last]) & 0xC0u) == 0x80u && end - last < 4)
      --last;
    std::size_t next = last;
    if (!drops(next_char(text, next))) break;
    end = last;
  }
  return substring(run.arena(), string, begin, end);
}

Value replace(Interpreter& run, const Value& string, const Value& from, const Value& to, std::int64_t most) {
  if (from.is(Kind::kUndefined)) fail_undefined(from);
  if (to.is(Kind::kUndefined)) fail_undefined(to);
  if (!from.is_string() || !to.is_string()) throw Fault("replace() needs texts");
  std::string_view text = string.view();
  std::string_view old = from.view();
  TextBuilder builder;
  std::size_t done = 0;
  std::size_t at = old.empty() ? 0 : find_first(text, old);
  for (std::int64_t count = 0; at <= text.size() && (most < 0 || count < most); ++count) {
    run.charge(to.size + (at - done) + string.num_runs());
    builder.append(string, done, at);
    builder.append(to);
    done = at + old.size();
    if (old.empty()) {  // between all characters
      if (at == text.size()) break;
      next_char(text, at);
    } else {
      at = find_first(text, old, done);
    }
  }
  if (done == 0 && builder.size() == 0) return string;
  builder.append(string, done, text.size());
  return builder.finish(run.arena());
}

Value join(Interpreter& run, const Value& separator, const List& items) {
  TextBuilder builder;
  for (std::uint32_t i = 0; i < items.size; ++i) {
    if (i > 0) builder.append(separator);
    run.charge(std::size_t{separator.size} + items.items[i].size);
    print(run, builder, items.items[i]);
  }
  return builder.finish(run.arena());
}

Value map_text(Interpreter& run, const Value& string, std::string (*function)(std::string_view),
               bool by_run) {
  run.charge(string.size * 2ull);
  Value mapped;
  if (!string.mixed || !by_run) {
    mapped = make_copied_string(run.arena(), function(string.view()), origin_of(string, 0, string.size));
  } else {
    TextBuilder builder;
    std::size_t at = 0;
    for (std::uint32_t i = 0; i < string.text->num_runs; ++i) {
      const Run& part = string.text->runs[i];
      builder.append(function(string.view().substr(at, part.size)), part.origin);
      at += part.size;
    }
    mapped = builder.finish(run.arena());
  }
  mapped.safe = string.safe;
  return mapped;
}

}  // namespace caravan::data::jinja
