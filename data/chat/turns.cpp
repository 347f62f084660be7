#include "data/chat/turns.h"

#include <algorithm>
#include <utility>

#include "data/chat/turn_markers.h"

namespace caravan::data {

namespace {

using jinja::Mark;
using jinja::Run;

struct Segment {
  std::size_t message = 0;
  ByteRange range;
};

// The text, seen by origin.
struct Layout {
  std::vector<ByteRange> written;    // no message's content: template, roles, other variables
  std::vector<Segment> segments;     // by message, in order of their begins
  std::vector<Segment> generations;  // {% generation %}; message may be kMaxMessages: none
  std::vector<Segment> contents;     // what is a message's content, in order
};

void extend(std::vector<ByteRange>& ranges, std::size_t begin, std::size_t end) {
  if (!ranges.empty() && ranges.back().end == begin) {
    ranges.back().end = end;
  } else {
    ranges.push_back({begin, end});
  }
}

// A mark that opens pushes a segment; one that closes ends the innermost open one of the same message. Cut
// texts may have lost one of a pair: what stays open ends with the text.
void read_mark(Run run, std::size_t at, Layout& layout, std::vector<std::size_t>& open,
               std::vector<std::size_t>& open_generations) {
  Mark mark = jinja::mark_of(run);
  bool generation = mark == Mark::kGenerationBegin || mark == Mark::kGenerationEnd;
  std::vector<Segment>& segments = generation ? layout.generations : layout.segments;
  std::vector<std::size_t>& stack = generation ? open_generations : open;
  if (mark == Mark::kMessageBegin || mark == Mark::kGenerationBegin) {
    stack.push_back(segments.size());
    segments.push_back({jinja::mark_message(run), {at, at}});
    return;
  }
  for (std::size_t i = stack.size(); i > 0; --i) {
    if (segments[stack[i - 1]].message != jinja::mark_message(run)) continue;
    segments[stack[i - 1]].range.end = at;
    stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(i - 1));
    return;
  }
}

Layout read_layout(const TurnInput& input, std::vector<ByteRange>& trusted) {
  Layout layout;
  std::vector<std::size_t> open;
  std::vector<std::size_t> open_generations;
  std::size_t at = 0;
  for (Run run : input.runs) {
    if (run.size == 0) {
      read_mark(run, at, layout, open, open_generations);
      continue;
    }
    std::size_t end = at + run.size;
    if (jinja::is_trusted(run.origin)) extend(trusted, at, end);
    if (jinja::is_content(run.origin))
      layout.contents.push_back({jinja::message_of(run.origin), {at, end}});
    else
      extend(layout.written, at, end);
    at = end;
  }
  for (std::size_t i : open) layout.segments[i].range.end = at;
  for (std::size_t i : open_generations) layout.generations[i].range.end = at;
  return layout;
}

// Of those behind an answer, how many are looked at: more than a few closing tags are no end marker's
// company.
constexpr std::size_t kMaxMarkers = 64;
constexpr std::size_t kNoMessageHere = SIZE_MAX;

class TurnFinder {
 public:
  TurnFinder(const TurnInput& input, Rendered& rendered)
      : input_(input),
        rendered_(rendered),
        layout_(read_layout(input, rendered.trusted)),
        prompt_(input.prompt ? std::string_view(*input.prompt) : std::string_view()) {}

  void run() {
    if (input_.has_generation) {
      for (const Segment& generation : layout_.generations) add_generation(generation);
    } else {
      for (const Segment& segment : layout_.segments) {
        if (is_assistant(segment.message)) add_segment(segment);
      }
    }
    find_silent_messages();
  }

 private:
  bool is_assistant(std::size_t message) const {
    return message < input_.is_assistant.size() && input_.is_assistant[message];
  }

  // The first reason stands for all.
  void report(std::string reason) {
    if (rendered_.unlocated.empty()) rendered_.unlocated = std::move(reason);
  }

  // The parts of `range` that no message's content fills.
  std::vector<ByteRange> written_in(ByteRange range) const {
    std::vector<ByteRange> parts;
    auto it = std::lower_bound(layout_.written.begin(), layout_.written.end(), range.begin,
                               [](const ByteRange& part, std::size_t at) { return part.end <= at; });
    for (; it != layout_.written.end() && it->begin < range.end; ++it) {
      parts.push_back({std::max(it->begin, range.begin), std::min(it->end, range.end)});
    }
    return parts;
  }

  std::vector<ByteRange> markers_in(ByteRange range) const {
    std::vector<ByteRange> markers;
    for (ByteRange part : written_in(range)) {
      for (ByteRange marker : find_markers(input_.text, part)) markers.push_back(marker);
    }
    return markers;
  }

  // Where the content bytes of `range` begin and end; empty at range.end where there are none.
  ByteRange content_of(ByteRange range) const {
    std::size_t at = range.begin;
    ByteRange content{range.end, range.end};
    bool found = false;
    auto take = [&](std::size_t begin, std::size_t end) {
      if (begin >= end) return;
      if (!found) content.begin = begin;
      content.end = end;
      found = true;
    };
    for (ByteRange part : written_in(range)) {
      take(at, part.begin);
      at = part.end;
    }
    take(at, range.end);
    return content;
  }

  // Behind the first header that begins in text[range], npos without one. `header_begin` tells where it
  // began.
  std::size_t find_header(ByteRange range, std::size_t& header_begin) const {
    for (ByteRange part : written_in(range)) {
      for (std::size_t at = part.begin; at < part.end; ++at) {
        std::size_t length = prompt_.match(input_.text.substr(at, part.end - at));
        if (length == 0) continue;
        header_begin = at;
        return at + length;
      }
    }
    return std::string_view::npos;
  }

  void add_turn(const RenderedTurn& turn) {
    if (rendered_.turns.empty() || rendered_.turns.back().marker_end <= turn.text.begin) {
      rendered_.turns.push_back(turn);
      return;
    }
    report("the turn of message " + std::to_string(turn.message) + " lies inside that of message " +
           std::to_string(rendered_.turns.back().message));
  }

  void add_generation(const Segment& generation) {
    if (generation.range.begin == generation.range.end) return;
    bool in_loop = generation.message < jinja::kMaxMessages;
    std::size_t message = in_loop ? generation.message : message_in(generation.range);
    if (!is_assistant(message)) {
      if (message == kNoMessageHere) return report("a {% generation %} block holds no message's text");
      report("the template puts message " + std::to_string(message) +
             ", which is not an assistant's, into {% generation %}");
      return;
    }
    RenderedTurn turn = close_turn(message, generation.range);
    turn.marker_end = turn.marker_end == turn.text.end ? turn.text.end : generation.range.end;
    add_turn(turn);
  }

  // Whose content the first content byte of `range` is.
  std::size_t message_in(ByteRange range) const {
    const auto first =
        std::lower_bound(layout_.contents.begin(), layout_.contents.end(), range.begin,
                         [](const Segment& content, std::size_t at) { return content.range.end <= at; });
    const bool inside = first != layout_.contents.end() && first->range.begin < range.end;
    return inside ? first->message : kNoMessageHere;
  }

  void add_segment(const Segment& segment) {
    ByteRange range = segment.range;
    if (input_.prompt_begin != std::string_view::npos)
      range.end = std::min(range.end, std::max(range.begin, input_.prompt_begin));
    if (range.begin >= range.end) return;
    std::size_t start = start_of_turn(segment.message, range);
    while (start != std::string_view::npos) {
      std::size_t next_header = range.end;
      std::size_t next =
          prompt_.empty() ? std::string_view::npos : find_header({start, range.end}, next_header);
      add_turn(close_turn(segment.message, {start, next_header}));
      start = next;
    }
  }

  std::size_t start_of_turn(std::size_t message, ByteRange range) {
    if (input_.prompt && prompt_.empty()) return range.begin;
    ByteRange before{range.begin, content_of(range).begin};
    std::size_t header_begin = 0;
    std::size_t start = prompt_.empty() ? std::string_view::npos : find_header(before, header_begin);
    if (start != std::string_view::npos) return start;
    std::vector<ByteRange> markers = markers_in(before);
    if (!markers.empty() && before.end < range.end) return markers.back().end;
    if (before.end == range.end && is_blank_text(range)) return std::string_view::npos;
    report("the turn of message " + std::to_string(message) +
           " has no header that can be told from the answer");
    return std::string_view::npos;
  }

  bool is_blank_text(ByteRange range) const {
    return input_.text.substr(range.begin, range.end - range.begin).find_first_not_of(" \t\r\n") ==
           std::string_view::npos;
  }

  // The end marker of the turn in `range`, and what lies before it.
  RenderedTurn close_turn(std::size_t message, ByteRange range) const {
    ByteRange content = content_of(range);
    ByteRange tail{content.begin == content.end ? range.begin : content.end, range.end};
    std::string_view text = input_.text;
    if (!input_.eos_token.empty()) {
      std::size_t at = text.substr(0, tail.end).find(input_.eos_token, tail.begin);
      if (at != std::string_view::npos) return {message, {range.begin, at}, at + input_.eos_token.size()};
    }
    std::vector<ByteRange> all = markers_in(range);
    std::size_t stop = all.size() > kMaxMarkers ? all.size() - kMaxMarkers : 0;
    for (std::size_t i = all.size(); i > stop && all[i - 1].begin >= tail.begin; --i) {
      if (!is_paired(all, i - 1)) return {message, {range.begin, all[i - 1].begin}, all[i - 1].end};
    }
    return {message, range, range.end};
  }

  // Whether the marker opens or closes something inside the turn.
  bool is_paired(const std::vector<ByteRange>& all, std::size_t index) const {
    if (all.size() == 1) return false;
    using Side = MarkerName::Side;
    auto name_of = [&](ByteRange range) {
      return read_marker(input_.text.substr(range.begin, range.end - range.begin));
    };
    MarkerName marker = name_of(all[index]);
    if (marker.name.empty()) return false;
    for (std::size_t i = 0; i < all.size(); ++i) {
      MarkerName other = i == index ? MarkerName{} : name_of(all[i]);
      if (other.name != marker.name) continue;
      bool closes = i < index && marker.side == Side::kCloses && other.side != Side::kCloses;
      bool opens = i > index && marker.side != Side::kCloses && other.side == Side::kCloses;
      if (closes || opens) return true;
    }
    return false;
  }

  void find_silent_messages() {
    std::vector<char> has_turn(input_.is_assistant.size(), 0);
    std::vector<char> has_text(input_.is_assistant.size(), 0);
    for (const RenderedTurn& turn : rendered_.turns) has_turn[turn.message] = 1;
    for (const Run& run : input_.runs) {
      if (run.size != 0 && jinja::is_content(run.origin)) has_text[jinja::message_of(run.origin)] = 1;
    }
    for (std::size_t i = 0; i < input_.is_assistant.size(); ++i) {
      if (input_.is_assistant[i] == 0 || has_turn[i] != 0) continue;
      if (has_text[i] == 0) {
        rendered_.silent_messages.push_back(i);
      } else {
        report("message " + std::to_string(i) +
               " is in the text, but not where a loop over the messages writes it");
      }
    }
  }

  const TurnInput& input_;
  Rendered& rendered_;
  Layout layout_;
  PromptPieces prompt_;
};

}  // namespace

void find_turns(const TurnInput& input, Rendered& rendered) {
  TurnFinder(input, rendered).run();
}

std::size_t end_of_last_segment(std::span<const Run> runs) {
  std::size_t at = 0;
  std::size_t end = 0;
  for (const Run& run : runs) {
    at += run.size;
    if (jinja::mark_of(run) == Mark::kMessageEnd) end = at;
  }
  return end;
}

}  // namespace caravan::data
