#include "data/tokenizers/normalizer.h"

#include <simdjson.h>
#include <unicode/bytestream.h>
#include <unicode/edits.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include "data/error.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

bool is_ascii(std::string_view text) {
  unsigned char bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  return bits < 0x80;
}

const icu::Normalizer2& find_form(NormalForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* found = nullptr;
  switch (form) {
    case NormalForm::kNfc:
      found = icu::Normalizer2::getNFCInstance(status);
      break;
    case NormalForm::kNfd:
      found = icu::Normalizer2::getNFDInstance(status);
      break;
    case NormalForm::kNfkc:
      found = icu::Normalizer2::getNFKCInstance(status);
      break;
    case NormalForm::kNfkd:
      found = icu::Normalizer2::getNFKDInstance(status);
      break;
  }
  if (U_FAILURE(status) || !found) {
    throw Error(Error::Kind::kInputOutput,
                std::string("ICU has no normalization data: ") + u_errorName(status));
  }
  return *found;
}

class NormalFormStep : public Normalizer {
 public:
  explicit NormalFormStep(NormalForm form) : normalizer_(find_form(form)) {}

  void apply(MappedText& text) const override {
    if (is_ascii(text.view())) return;
    UErrorCode status = U_ZERO_ERROR;
    const icu::StringPiece source(text.view().data(), static_cast<std::int32_t>(text.view().size()));
    if (normalizer_.isNormalizedUTF8(source, status) && U_SUCCESS(status)) return;
    std::string normal;
    icu::StringByteSink<std::string> sink(&normal);
    icu::Edits edits;
    normalizer_.normalizeUTF8(0, source, sink, text.tracks() ? &edits : nullptr, status);
    if (U_FAILURE(status)) {
      throw Error(Error::Kind::kData, std::string("Unicode normalization failed: ") + u_errorName(status));
    }
    std::vector<std::uint32_t> origin;
    if (text.tracks()) origin = origins(text, edits, normal.size(), status);
    text.replace(std::move(normal), std::move(origin));
  }

 private:
  // A changed stretch comes from the first character of what it replaces.
  static std::vector<std::uint32_t> origins(const MappedText& text, icu::Edits& edits, std::size_t size,
                                            UErrorCode& status) {
    std::vector<std::uint32_t> origin;
    origin.reserve(size);
    std::size_t at = 0;
    icu::Edits::Iterator edit = edits.getFineIterator();
    while (edit.next(status)) {
      for (std::int32_t i = 0; i < edit.newLength(); ++i) {
        const std::size_t from = edit.hasChange() ? at : at + static_cast<std::size_t>(i);
        origin.push_back(static_cast<std::uint32_t>(text.origin(from)));
      }
      at += static_cast<std::size_t>(edit.oldLength());
    }
    return origin;
  }

  const icu::Normalizer2& normalizer_;
};

class LowercaseStep : public Normalizer {
 public:
  // Character by character, without regard to context: a final sigma becomes the plain one, as in Hugging
  // Face's.
  void apply(MappedText& text) const override {
    Rewriter out(text);
    std::string lower;
    const std::string_view view = text.view();
    for (std::size_t i = 0; i < view.size();) {
      const DecodedChar c = decode_valid(view.data() + i);
      lower.clear();
      if (c.value == 0x130) {  // the one character whose lower case is two: i with a dot above
        lower = "i\xcc\x87";
      } else {
        append_utf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c.value))), lower);
      }
      if (lower == view.substr(i, c.num_bytes)) {
        out.keep({i, i + c.num_bytes});
      } else {
        out.put(lower, i);
      }
      i += c.num_bytes;
    }
    out.finish(text);
  }
};

class StripAccentsStep : public Normalizer {
 public:
  void apply(MappedText& text) const override {
    if (is_ascii(text.view())) return;
    Rewriter out(text);
    const std::string_view view = text.view();
    for (std::size_t i = 0; i < view.size();) {
      const DecodedChar c = decode_valid(view.data() + i);
      const bool is_mark = (U_GET_GC_MASK(static_cast<UChar32>(c.value)) & U_GC_M_MASK) != 0;
      if (!is_mark) out.keep({i, i + c.num_bytes});
      i += c.num_bytes;
    }
    out.finish(text);
  }
};

class StripStep : public Normalizer {
 public:
  StripStep(bool left, bool right) : left_(left), right_(right) {}

  void apply(MappedText& text) const override {
    const std::string_view view = text.view();
    const CharClasses& classes = CharClasses::instance();
    ByteRange kept{0, view.size()};
    while (left_ && kept.begin < kept.end) {
      const DecodedChar c = decode_valid(view.data() + kept.begin);
      if (!(classes.of(c.value) & kSpace)) break;
      kept.begin += c.num_bytes;
    }
    while (right_ && kept.begin < kept.end) {
      const char* last = previous_valid(view.data() + kept.end);
      if (!(classes.of(decode_valid(last).value) & kSpace)) break;
      kept.end = static_cast<std::size_t>(last - view.data());
    }
    if (kept == ByteRange{0, view.size()}) return;
    Rewriter out(text);
    out.keep(kept);
    out.finish(text);
  }

 private:
  bool left_, right_;
};

class PrependStep : public Normalizer {
 public:
  explicit PrependStep(std::string prefix) : prefix_(std::move(prefix)) {}

  void apply(MappedText& text) const override {
    if (text.view().empty()) return;
    Rewriter out(text);
    out.put(prefix_, 0);
    out.keep({0, text.view().size()});
    out.finish(text);
  }

 private:
  std::string prefix_;
};

class ReplaceTextStep : public Normalizer {
 public:
  ReplaceTextStep(std::string pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void apply(MappedText& text) const override {
    const std::string_view view = text.view();
    std::size_t found = view.find(pattern_);
    if (pattern_.empty() || found == std::string_view::npos) return;
    Rewriter out(text);
    std::size_t at = 0;
    for (; found != std::string_view::npos; found = view.find(pattern_, at)) {
      out.keep({at, found});
      out.put(content_, found);
      at = found + pattern_.size();
    }
    out.keep({at, view.size()});
    out.finish(text);
  }

 private:
  std::string pattern_, content_;
};

class ReplacePatternStep : public Normalizer {
 public:
  ReplacePatternStep(Regex pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}

  void apply(MappedText& text) const override {
    ByteRange match;
    std::size_t at = 0;
    if (!pattern_.find(text.view(), 0, match)) return;
    Rewriter out(text);
    do {
      out.keep({at, match.begin});
      out.put(content_, match.begin);
      at = match.end;
    } while (pattern_.find(text.view(), at, match));
    out.keep({at, text.view().size()});
    out.finish(text);
  }

 private:
  Regex pattern_;
  std::string content_;
};

}  // namespace

std::unique_ptr<Normalizer> make_normal_form(NormalForm form) {
  return std::make_unique<NormalFormStep>(form);
}
std::unique_ptr<Normalizer> make_lowercase() {
  return std::make_unique<LowercaseStep>();
}
std::unique_ptr<Normalizer> make_strip_accents() {
  return std::make_unique<StripAccentsStep>();
}
std::unique_ptr<Normalizer> make_strip(bool left, bool right) {
  return std::make_unique<StripStep>(left, right);
}
std::unique_ptr<Normalizer> make_prepend(std::string prefix) {
  return std::make_unique<PrependStep>(std::move(prefix));
}
std::unique_ptr<Normalizer> make_replace(std::string pattern, std::string content) {
  return std::make_unique<ReplaceTextStep>(std::move(pattern), std::move(content));
}
std::unique_ptr<Normalizer> make_replace(Regex pattern, std::string content) {
  return std::make_unique<ReplacePatternStep>(std::move(pattern), std::move(content));
}

}  // namespace caravan::data
