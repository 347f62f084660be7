#include "data/tokenizers/pre_tokenizer.h"

#include <algorithm>

#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

// Part of a piece: what a pattern matched, or what lies between.
struct Part {
  ByteRange range;
  bool is_match;
};

// Applies a behavior to the parts of one piece, in order, and appends the pieces that remain.
class Joiner {
 public:
  Joiner(SplitBehavior behavior, bool invert, std::vector<ByteRange>& out)
      : behavior_(behavior), invert_(invert), out_(out), first_(out.size()) {}

  void add(ByteRange range, bool is_match) {
    if (range.begin == range.end) return;
    is_match = is_match != invert_;
    const bool joins = out_.size() > first_ && joins_previous(is_match);
    if (joins) {
      out_.back().end = range.end;
    } else if (!(behavior_ == SplitBehavior::kRemoved && is_match)) {
      out_.push_back(range);
    }
    previous_match_ = is_match;
  }

 private:
  bool joins_previous(bool is_match) const {
    switch (behavior_) {
      case SplitBehavior::kMergedWithPrevious:
        return is_match && !previous_match_;
      case SplitBehavior::kMergedWithNext:
        return !is_match && previous_match_;
      case SplitBehavior::kContiguous:
        return is_match == previous_match_;
      default:
        return false;
    }
  }

  SplitBehavior behavior_;
  bool invert_;
  std::vector<ByteRange>& out_;
  std::size_t first_;
  bool previous_match_ = false;
};

// A step that cuts each piece by itself. `Cut` is called with the piece's text and a Joiner whose ranges
// count from its start.
class SplitStep : public PreTokenizer {
 public:
  SplitStep(SplitBehavior behavior, bool invert) : behavior_(behavior), invert_(invert) {}

  void apply(MappedText& text) const final {
    std::vector<ByteRange> cut;
    cut.reserve(text.pieces().size());
    for (const ByteRange piece : text.pieces()) {
      const std::size_t before = cut.size();
      Joiner joiner(behavior_, invert_, cut);
      cut_piece(text.view(piece), joiner);
      for (std::size_t i = before; i < cut.size(); ++i) {
        cut[i].begin += piece.begin;
        cut[i].end += piece.begin;
      }
    }
    text.pieces() = std::move(cut);
  }

 protected:
  virtual void cut_piece(std::string_view piece, Joiner& joiner) const = 0;

 private:
  SplitBehavior behavior_;
  bool invert_;
};

class ScannerSplit : public SplitStep {
 public:
  explicit ScannerSplit(NextWord next) : SplitStep(SplitBehavior::kIsolated, false), next_(next) {}
  NextWord scanner() const override { return next_; }

 protected:
  void cut_piece(std::string_view piece, Joiner& joiner) const override {
    const char* const begin = piece.data();
    const char* const end = begin + piece.size();
    for (const char* p = begin; p < end;) {
      const char* q = next_(p, end);
      joiner.add({static_cast<std::size_t>(p - begin), static_cast<std::size_t>(q - begin)}, true);
      p = q;
    }
  }

 private:
  NextWord next_;
};

class RegexSplit : public SplitStep {
 public:
  RegexSplit(Regex pattern, SplitBehavior behavior, bool invert)
      : SplitStep(behavior, invert), pattern_(std::move(pattern)) {}

 protected:
  void cut_piece(std::string_view piece, Joiner& joiner) const override {
    std::size_t at = 0;
    ByteRange match;
    while (at < piece.size() && pattern_.find(piece, at, match)) {
      joiner.add({at, match.begin}, false);
      joiner.add(match, true);
      at = match.end;
    }
    joiner.add({at, piece.size()}, false);
  }

 private:
  Regex pattern_;
};

class TextSplit : public SplitStep {
 public:
  TextSplit(std::string pattern, SplitBehavior behavior, bool invert)
      : SplitStep(behavior, invert), pattern_(std::move(pattern)) {}

 protected:
  void cut_piece(std::string_view piece, Joiner& joiner) const override {
    std::size_t at = 0;
    while (!pattern_.empty()) {
      const std::size_t found = piece.find(pattern_, at);
      if (found == std::string_view::npos) break;
      joiner.add({at, found}, false);
      joiner.add({found, found + pattern_.size()}, true);
      at = found + pattern_.size();
    }
    joiner.add({at, piece.size()}, false);
  }

 private:
  std::string pattern_;
};

// Every character of the class is a match of its own.
class ClassSplit : public SplitStep {
 public:
  ClassSplit(std::uint8_t wanted, SplitBehavior behavior) : SplitStep(behavior, false), wanted_(wanted) {}

 protected:
  void cut_piece(std::string_view piece, Joiner& joiner) const override {
    const CharClasses& classes = CharClasses::instance();
    std::size_t from = 0;
    for (std::size_t i = 0; i < piece.size();) {
      const DecodedChar c = decode_valid(piece.data() + i);
      if (classes.of(c.value) & wanted_) {
        joiner.add({from, i}, false);
        joiner.add({i, i + c.num_bytes}, true);
        from = i + c.num_bytes;
      }
      i += c.num_bytes;
    }
    joiner.add({from, piece.size()}, false);
  }

 private:
  std::uint8_t wanted_;
};

class MetaspaceStep : public PreTokenizer {
 public:
  MetaspaceStep(std::string mark, PrependScheme scheme, bool split)
      : mark_(std::move(mark)), scheme_(scheme), split_(split) {}

  void apply(MappedText& text) const override {
    Rewriter out(text);
    std::vector<ByteRange> pieces;
    for (const ByteRange piece : text.pieces()) {
      const std::size_t begin = out.size();
      if (wants_mark(text, piece)) out.put(mark_, piece.begin);
      std::size_t at = piece.begin;
      for (std::size_t i = piece.begin; i < piece.end; ++i) {
        if (text.view()[i] != ' ') continue;
        out.keep({at, i});
        out.put(mark_, i);
        at = i + 1;
      }
      out.keep({at, piece.end});
      pieces.push_back({begin, out.size()});
    }
    out.finish(text);
    text.pieces() = std::move(pieces);
    if (split_) TextSplit(mark_, SplitBehavior::kMergedWithNext, false).apply(text);
  }

 private:
  bool wants_mark(const MappedText& text, ByteRange piece) const {
    if (scheme_ == PrependScheme::kNever || piece.begin == piece.end) return false;
    if (scheme_ == PrependScheme::kFirst && (piece.begin != 0 || text.source_begin() != 0)) return false;
    const std::string_view start = text.view(piece);
    return !start.starts_with(' ') && !start.starts_with(mark_);
  }

  std::string mark_;
  PrependScheme scheme_;
  bool split_;
};

class PrefixSpaceStep : public PreTokenizer {
 public:
  void apply(MappedText& text) const override {
    const auto wants_space = [&](ByteRange piece) { return !text.view(piece).starts_with(' '); };
    if (std::ranges::none_of(text.pieces(), wants_space)) return;
    Rewriter out(text);
    std::vector<ByteRange> pieces;
    for (const ByteRange piece : text.pieces()) {
      const std::size_t begin = out.size();
      if (wants_space(piece)) out.put(" ", piece.begin);
      out.keep(piece);
      pieces.push_back({begin, out.size()});
    }
    out.finish(text);
    text.pieces() = std::move(pieces);
  }
};

}  // namespace

std::unique_ptr<PreTokenizer> make_scanner_split(NextWord next) {
  return std::make_unique<ScannerSplit>(next);
}

std::unique_ptr<PreTokenizer> make_regex_split(Regex pattern, SplitBehavior behavior, bool invert) {
  return std::make_unique<RegexSplit>(std::move(pattern), behavior, invert);
}

std::unique_ptr<PreTokenizer> make_text_split(std::string pattern, SplitBehavior behavior, bool invert) {
  return std::make_unique<TextSplit>(std::move(pattern), behavior, invert);
}

std::unique_ptr<PreTokenizer> make_digits(bool individual) {
  return std::make_unique<ClassSplit>(kNumber,
                                      individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous);
}

std::unique_ptr<PreTokenizer> make_punctuation(SplitBehavior behavior) {
  return std::make_unique<ClassSplit>(kPunctuation, behavior);
}

std::unique_ptr<PreTokenizer> make_whitespace_split() {
  return std::make_unique<ClassSplit>(kSpace, SplitBehavior::kRemoved);
}

std::unique_ptr<PreTokenizer> make_metaspace(std::string mark, PrependScheme scheme, bool split) {
  return std::make_unique<MetaspaceStep>(std::move(mark), scheme, split);
}

std::unique_ptr<PreTokenizer> make_prefix_space() {
  return std::make_unique<PrefixSpaceStep>();
}

}  // namespace caravan::data
