#include "data/words/stretch.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "data/error.h"

namespace caravan::data {
namespace {

constexpr char32_t kCapitalSigma = 0x3a3, kSigma = 0x3c3, kFinalSigma = 0x3c2, kDottedI = 0x130;

enum class Neighbour { kCased, kIgnorable, kOther };

Neighbour judge(char32_t c) {
  const auto code = static_cast<UChar32>(c);
  if (u_hasBinaryProperty(code, UCHAR_CASE_IGNORABLE)) return Neighbour::kIgnorable;
  return u_hasBinaryProperty(code, UCHAR_CASED) ? Neighbour::kCased : Neighbour::kOther;
}

// A character outside the stretch counts as what NFKC makes of it.
Neighbour judge_unnormalized(char32_t c, const icu::Normalizer2& form, bool from_behind) {
  icu::UnicodeString parts;
  if (c < 0x80 || !form.getDecomposition(static_cast<UChar32>(c), parts)) return judge(c);
  const std::int32_t count = parts.countChar32();
  for (std::int32_t i = 0; i < count; ++i) {
    const std::int32_t at = parts.moveIndex32(0, from_behind ? count - 1 - i : i);
    const Neighbour found = judge(static_cast<char32_t>(parts.char32At(at)));
    if (found != Neighbour::kIgnorable) return found;
  }
  return Neighbour::kIgnorable;
}

bool is_cased_before(const std::u32string& run, std::size_t i, std::string_view text,
                     const icu::Normalizer2& form) {
  while (i > 0) {
    const Neighbour found = judge(run[--i]);
    if (found != Neighbour::kIgnorable) return found == Neighbour::kCased;
  }
  for (std::size_t at = text.size(); at > 0;) {
    at = previous_char(text, at);
    const Neighbour found = judge_unnormalized(decode_any(text, at).value, form, true);
    if (found != Neighbour::kIgnorable) return found == Neighbour::kCased;
  }
  return false;
}

bool is_cased_after(const std::u32string& run, std::size_t i, std::string_view text,
                    const icu::Normalizer2& form) {
  for (++i; i < run.size(); ++i) {
    const Neighbour found = judge(run[i]);
    if (found != Neighbour::kIgnorable) return found == Neighbour::kCased;
  }
  for (std::size_t at = 0; at < text.size();) {
    const DecodedChar c = decode_any(text, at);
    const Neighbour found = judge_unnormalized(c.value, form, false);
    if (found != Neighbour::kIgnorable) return found == Neighbour::kCased;
    at += c.num_bytes;
  }
  return false;
}

}  // namespace

void normalize_stretch(std::string_view text, std::size_t first, std::size_t last, std::u32string& out) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFKCInstance(status);
  if (U_FAILURE(status)) throw Error(Error::Kind::kInputOutput, "ICU has no normalization data");
  const icu::UnicodeString source = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data() + first, static_cast<std::int32_t>(last - first)));
  const icu::UnicodeString normal = form->normalize(source, status);
  if (U_FAILURE(status)) throw Error(Error::Kind::kData, "Unicode normalization failed");
  std::u32string run;
  for (std::int32_t i = 0; i < normal.length(); i = normal.moveIndex32(i, 1))
    run.push_back(static_cast<char32_t>(normal.char32At(i)));
  out.clear();
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (run[i] == kCapitalSigma) {
      const bool final = is_cased_before(run, i, text.substr(0, first), *form) &&
                         !is_cased_after(run, i, text.substr(last), *form);
      out.push_back(final ? kFinalSigma : kSigma);
    } else if (run[i] == kDottedI) {
      out += U"i\u0307";
    } else {
      out.push_back(static_cast<char32_t>(u_tolower(static_cast<UChar32>(run[i]))));
    }
  }
}

}  // namespace caravan::data
