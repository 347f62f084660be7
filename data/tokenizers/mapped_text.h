// Text on its way through normalizers and pre-tokenizers: what it is now, where each byte came from, how it
// is cut.
//
// As long as no step changes the text it is a view of the source and costs nothing. Origins are kept only
// where somebody asks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/tokenizers/tokenizer.h"

namespace caravan::data {

class MappedText {
 public:
  // `source_begin`: offset of `source` in the whole text; `track`: keep origins.
  MappedText(std::string_view source, std::size_t source_begin, bool track)
      : view_(source), source_begin_(source_begin), source_end_(source_begin + source.size()), track_(track) {
    pieces_.push_back({0, source.size()});
  }
  // The bytes `part` of another one, as it is now.
  MappedText(const MappedText& whole, ByteRange part)
      : view_(whole.view(part)),
        source_begin_(whole.origin(part.begin)),
        source_end_(whole.origin(part.end)),
        track_(whole.track_),
        changed_(whole.changed_) {
    if (changed_ && track_) {
      const auto first = whole.origin_.begin();
      origin_.assign(first + static_cast<std::ptrdiff_t>(part.begin),
                     first + static_cast<std::ptrdiff_t>(part.end));
    }
    pieces_.push_back({0, view_.size()});
  }
  MappedText(const MappedText&) = delete;
  MappedText& operator=(const MappedText&) = delete;

  std::string_view view() const { return view_; }
  std::string_view view(ByteRange piece) const { return view_.substr(piece.begin, piece.end - piece.begin); }
  bool tracks() const { return track_; }
  std::size_t source_begin() const { return source_begin_; }

  // Offset in the whole text of the source character that byte `at` came from; the end of the source for the
  // end.
  std::size_t origin(std::size_t at) const {
    if (!changed_) return source_begin_ + at;
    return at < origin_.size() ? origin_[at] : source_end_;
  }

  // How the text is cut, in order; pieces never overlap, and what no piece covers is dropped.
  std::vector<ByteRange>& pieces() { return pieces_; }
  const std::vector<ByteRange>& pieces() const { return pieces_; }

  // Puts `text` in place of the present text, as one piece. `origin` holds one offset per byte where
  // tracks(), else nothing.
  void replace(std::string text, std::vector<std::uint32_t> origin) {
    text_ = std::move(text);
    origin_ = std::move(origin);
    view_ = text_;
    changed_ = true;
    pieces_.assign(1, {0, text_.size()});
  }

 private:
  std::string_view view_;
  std::size_t source_begin_;
  std::size_t source_end_;
  bool track_;
  bool changed_ = false;
  std::string text_;
  std::vector<std::uint32_t> origin_;
  std::vector<ByteRange> pieces_;
};

// Builds the text that replaces another one, keeping origins. Appends in order.
class Rewriter {
 public:
  explicit Rewriter(const MappedText& from) : from_(from) { text_.reserve(from.view().size() + 16); }

  // The bytes `range` of the present text, unchanged.
  void keep(ByteRange range) {
    text_.append(from_.view(range));
    if (!from_.tracks()) return;
    for (std::size_t i = range.begin; i < range.end; ++i)
      origin_.push_back(static_cast<std::uint32_t>(from_.origin(i)));
  }
  // New bytes that stand for what was at `at`.
  void put(std::string_view bytes, std::size_t at) {
    text_.append(bytes);
    if (from_.tracks())
      origin_.insert(origin_.end(), bytes.size(), static_cast<std::uint32_t>(from_.origin(at)));
  }
  std::size_t size() const { return text_.size(); }
  void finish(MappedText& into) { into.replace(std::move(text_), std::move(origin_)); }

 private:
  const MappedText& from_;
  std::string text_;
  std::vector<std::uint32_t> origin_;
};

}  // namespace caravan::data
