#include "data/words/folding_table.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <string>

#include "data/error.h"

namespace caravan::data {
namespace {

constexpr char32_t kCapitalSigma = 0x3a3;
constexpr char32_t kDottedI = 0x130;

const icu::Normalizer2& compatibility_form() {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFKCInstance(status);
  if (U_FAILURE(status) || form == nullptr) {
    throw Error(Error::Kind::kInputOutput,
                std::string("ICU has no normalization data: ") + u_errorName(status));
  }
  return *form;
}

// Each character of these is a word: they are written without spaces.
bool is_word_alone(char32_t c) {
  return (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) ||
         (c >= 0x20000 && c <= 0x3ffff) || (c >= 0x3041 && c <= 0x309f);
}

bool is_kept(char32_t c) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & (U_GC_L_MASK | U_GC_N_MASK | U_GC_M_MASK)) != 0;
}

// Marks that are put on Latin, Greek and Cyrillic letters; those of other scripts are letters in all but
// name.
bool is_accent(char32_t c) {
  return c >= 0x300 && c <= 0x36f;
}

// The base of an accented letter, where accents are all that is added to it.
char32_t without_accents(char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = icu::Normalizer2::getNFKDInstance(status);
  icu::UnicodeString parts;
  if (U_FAILURE(status) || !form->getDecomposition(static_cast<UChar32>(c), parts)) return c;
  for (std::int32_t i = parts.moveIndex32(0, 1); i < parts.length(); i = parts.moveIndex32(i, 1)) {
    if (!is_accent(static_cast<char32_t>(parts.char32At(i)))) return c;
  }
  return static_cast<char32_t>(parts.char32At(0));
}

bool is_invisible(char32_t c, Folding folding) {
  const auto code = static_cast<UChar32>(c);
  if (u_charType(code) == U_FORMAT_CHAR) return true;
  return folding == Folding::kLookalikes &&
         (is_accent(c) || u_hasBinaryProperty(code, UCHAR_DEFAULT_IGNORABLE_CODE_POINT));
}

}  // namespace

const FoldingTable& FoldingTable::of(Folding folding) {
  static const FoldingTable reference(Folding::kReference), lookalikes(Folding::kLookalikes);
  return folding == Folding::kReference ? reference : lookalikes;
}

FoldingTable::~FoldingTable() {
  for (const auto& block : blocks_) delete block.load();
}

const FoldingTable::Block* FoldingTable::fill(char32_t block) const {
  auto made = std::make_unique<Block>();
  for (char32_t i = 0; i < 256; ++i) {
    const FoldedChar folded = look_up(block << 8 | i);
    (*made)[i] = folded.letter | static_cast<std::uint32_t>(folded.fate) << 24;
  }
  const Block* nobody = nullptr;
  // Another thread may have been faster; both blocks are the same.
  if (blocks_[block].compare_exchange_strong(nobody, made.get(), std::memory_order_acq_rel))
    return made.release();
  return nobody;
}

FoldedChar FoldingTable::fold_normal(char32_t c) const {
  if (is_invisible(c, folding_)) return {0, CharFate::kDropped};
  if (!is_kept(c)) return {0, CharFate::kSeparator};
  const char32_t letter = folding_ == Folding::kReference ? c : latin_lookalike(without_accents(c));
  return {letter, is_word_alone(letter) ? CharFate::kWord : CharFate::kLetter};
}

FoldedChar FoldingTable::look_up(char32_t c) const {
  constexpr FoldedChar kTogether = {0, CharFate::kTogether};
  if (c >= 0xd800 && c <= 0xdfff) return {0, CharFate::kSeparator};
  const icu::Normalizer2& form = compatibility_form();
  if (!form.hasBoundaryBefore(static_cast<UChar32>(c))) return kTogether;
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString normal = form.normalize(icu::UnicodeString(static_cast<UChar32>(c)), status);
  if (U_FAILURE(status) || normal.countChar32() != 1) return kTogether;
  const auto single = static_cast<char32_t>(normal.char32At(0));
  // A capital sigma looks at its neighbours, and the dotted I becomes two characters.
  if (single == kCapitalSigma || single == kDottedI) return kTogether;
  return fold_normal(static_cast<char32_t>(u_tolower(static_cast<UChar32>(single))));
}

}  // namespace caravan::data
