#include "data/chat/jinja_text.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "data/chat/jinja_fault.h"

namespace caravan::data::jinja {

namespace {

// The runs of a string value; a uniform one has exactly one, kept in `single`.
std::span<const Run> runs_of(const Value& string, Run& single) {
  if (string.mixed) return {string.text->runs, string.text->num_runs};
  single = {string.size, string.origin};
  return {&single, string.size == 0 ? 0u : 1u};
}

Value make_mixed(Arena& arena, const char* chars, std::size_t size, std::span<const Run> runs) {
  if (runs.empty()) return make_string({chars, size});
  if (runs.size() == 1 && runs[0].size != 0) return make_string({chars, size}, runs[0].origin);
  Run* copy = arena.allocate_array<Run>(runs.size());
  std::copy(runs.begin(), runs.end(), copy);
  Value value = make_string({chars, size}, kMixedOrigin);
  value.mixed = true;
  value.text = arena.make<MixedText>(chars, copy, static_cast<std::uint32_t>(runs.size()));
  return value;
}

// The parts of `runs` inside bytes [begin, end). Marks on the borders are kept: a cut must not lose a
// message.
template <typename Take>
void for_each_run(std::span<const Run> runs, std::size_t begin, std::size_t end, Take take) {
  std::size_t at = 0;
  for (Run run : runs) {
    std::size_t from = std::max(at, begin);
    std::size_t to = std::min(at + run.size, end);
    if (run.size == 0 ? (at >= begin && at <= end) : from < to) {
      take(Run{static_cast<std::uint32_t>(run.size == 0 ? 0 : to - from), run.origin});
    }
    at += run.size;
    if (at > end) return;
  }
}

}  // namespace

void TextBuilder::append(const Value& string) {
  if (!string.mixed) return append(string.view(), string.origin);
  text_.append(string.view());
  for (std::uint32_t i = 0; i < string.text->num_runs; ++i) {
    const Run& run = string.text->runs[i];
    if (run.size == 0) {
      mark(mark_of(run), mark_message(run));
    } else {
      add_run(run.size, run.origin);
    }
  }
}

void TextBuilder::append(const Value& string, std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  std::string_view part = string.view().substr(begin, end - begin);
  if (!string.mixed) return append(part, string.origin);
  text_.append(part);
  Run single;
  for_each_run(runs_of(string, single), begin, end, [&](Run run) {
    if (run.size != 0) add_run(run.size, run.origin);
  });
}

void TextBuilder::mark(Mark mark, std::uint32_t message) {
  if (mark == Mark::kMessageEnd && !runs_.empty()) {
    Run open = make_mark(Mark::kMessageBegin, message);
    if (runs_.back().size == 0 && runs_.back().origin == open.origin) {
      runs_.pop_back();
      return;
    }
  }
  runs_.push_back(make_mark(mark, message));
}

void TextBuilder::clear() {
  text_.clear();
  runs_.clear();
}

Value TextBuilder::finish(Arena& arena) const {
  std::string_view copy = arena.copy(text_);
  return make_mixed(arena, copy.data(), copy.size(), runs_);
}

Value concatenate(Arena& arena, std::span<const Value> strings) {
  std::size_t size = 0;
  std::size_t num_runs = 0;
  bool uniform = true;
  Origin origin = kMixedOrigin;
  for (const Value& string : strings) {
    size += string.size;
    num_runs += string.mixed ? string.text->num_runs : 1;
    if (string.size == 0 && !string.mixed) continue;
    uniform = uniform && !string.mixed && (origin == kMixedOrigin || origin == string.origin);
    origin = string.origin;
  }
  if (size > UINT32_MAX) throw Fault("a text of more than 4 GiB");
  char* chars = arena.allocate_chars(size);
  char* next = chars;
  for (const Value& string : strings) {
    if (string.size > 0) std::memcpy(next, string.view().data(), string.size);
    next += string.size;
  }
  if (uniform) return make_string({chars, size}, origin == kMixedOrigin ? kTemplateOrigin : origin);
  Run* runs = arena.allocate_array<Run>(num_runs);
  std::uint32_t count = 0;
  for (const Value& string : strings) {
    Run single;
    for (Run run : runs_of(string, single)) {
      bool extends =
          count > 0 && run.size != 0 && runs[count - 1].size != 0 && runs[count - 1].origin == run.origin;
      if (extends) {
        runs[count - 1].size += run.size;
      } else {
        runs[count++] = run;
      }
    }
  }
  Value value = make_string({chars, size}, kMixedOrigin);
  value.mixed = true;
  value.text = arena.make<MixedText>(chars, runs, count);
  return value;
}

Value substring(Arena& arena, const Value& string, std::size_t begin, std::size_t end) {
  if (begin == 0 && end == string.size) return string;
  std::string_view part = begin < end ? string.view().substr(begin, end - begin) : std::string_view();
  Value result = make_string(part, string.mixed ? kTemplateOrigin : string.origin);
  if (string.mixed && !part.empty()) {
    std::vector<Run> runs;
    Run single;
    for_each_run(runs_of(string, single), begin, end, [&](Run run) { runs.push_back(run); });
    result = make_mixed(arena, part.data(), part.size(), runs);
  }
  result.safe = string.safe;
  return result;
}

Value escape_html(Arena& arena, const Value& string) {
  if (string.safe) return string;
  constexpr std::pair<char, std::string_view> kEscapes[] = {
      {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}};
  TextBuilder builder;
  std::string_view text = string.view();
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const auto& [character, escape] : kEscapes) {
      if (text[at] != character) continue;
      builder.append(string, begin, at);
      builder.append(escape, origin_of(string, at, at + 1));
      begin = at + 1;
    }
  }
  builder.append(string, begin, text.size());
  Value escaped = builder.finish(arena);
  escaped.safe = true;
  return escaped;
}

Origin origin_of(const Value& string, std::size_t begin, std::size_t end) {
  Origin origin = kTemplateOrigin;
  Run single;
  for_each_run(runs_of(string, single), begin, std::max(begin, end), [&](Run run) {
    if (run.size != 0) origin = combine(origin, run.origin);
  });
  return origin;
}

}  // namespace caravan::data::jinja
