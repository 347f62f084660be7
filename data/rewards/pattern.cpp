#include "data/rewards/pattern.h"

#include <algorithm>
#include <array>

#include "data/error.h"
#include "data/rewards/text_pieces.h"
#include "data/tokenizers/pcre_search.h"

namespace caravan::data {
namespace {

constexpr std::size_t kMaxTextBytes = 65536;
constexpr std::uint32_t kMaxSteps = 1000000, kMaxKib = 20480, kMaxExpressionBytes = 65536;

struct Freed {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
  void operator()(pcre2_compile_context* context) const { pcre2_compile_context_free(context); }
};

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.empty() ? "" : text.data());
}

bool is_plain(std::string_view expression) {
  return std::all_of(expression.begin(), expression.end(), [](char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == ' ' || c == '\'' ||
           c == ',';
  });
}

}  // namespace

struct Pattern::Compiled {
  std::unique_ptr<pcre2_code, Freed> code;
  std::unique_ptr<pcre2_match_context, Freed> limits;
  std::string plain;  // the expression itself where it is plain letters: then searched for as they are
  bool ignore_case = false;

  // Positive: found, from `begin` to `end`; zero: nothing; negative: gave up.
  int run(std::string_view text, std::size_t from, std::uint32_t options, std::size_t& begin,
          std::size_t& end) const {
    if (text.size() > kMaxTextBytes) return -1;
    const std::unique_ptr<pcre2_match_data, Freed> data(
        pcre2_match_data_create_from_pattern(code.get(), nullptr));
    if (!data) throw std::bad_alloc();
    const int result = search_bounded(code.get(), text, from, options, data.get(), limits.get(), kMaxSteps);
    if (result == PCRE2_ERROR_NOMATCH) return 0;
    if (result < 0) return -1;
    const PCRE2_SIZE* const places = pcre2_get_ovector_pointer(data.get());
    begin = places[0];
    end = std::max(places[0], places[1]);
    return 1;
  }
};

Pattern::Pattern(std::string_view expression, bool ignore_case) : compiled_(std::make_unique<Compiled>()) {
  compiled_->ignore_case = ignore_case;
  if (is_plain(expression)) compiled_->plain = ignore_case ? lower(expression) : std::string(expression);
  if (expression.size() > kMaxExpressionBytes)
    throw Error(Error::Kind::kData, "a regular expression of more than 64 KiB is refused");
  const std::unique_ptr<pcre2_compile_context, Freed> context(pcre2_compile_context_create(nullptr));
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int code = 0;
  PCRE2_SIZE place = 0;
  // \C would stop in the middle of a character.
  const std::uint32_t options =
      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | (ignore_case ? PCRE2_CASELESS : std::uint32_t{0});
  compiled_->code.reset(
      pcre2_compile(units(expression), expression.size(), options, &code, &place, context.get()));
  if (!compiled_->code) {
    std::array<PCRE2_UCHAR, 128> message{};
    pcre2_get_error_message(code, message.data(), message.size());
    throw Error(Error::Kind::kData, "the regular expression " + shown(expression) +
                                        " does not compile at byte " + std::to_string(place) + ": " +
                                        reinterpret_cast<const char*>(message.data()));
  }
  compiled_->limits.reset(pcre2_match_context_create(nullptr));
  pcre2_set_depth_limit(compiled_->limits.get(), kMaxSteps);
  pcre2_set_heap_limit(compiled_->limits.get(), kMaxKib);
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

PatternResult Pattern::search(std::string_view text) const {
  if (!compiled_->plain.empty()) {
    const bool found = contains(compiled_->ignore_case ? lower(text) : std::string(text), compiled_->plain);
    return found ? PatternResult::kFound : PatternResult::kNone;
  }
  std::size_t begin = 0, end = 0;
  const int found = compiled_->run(text, 0, 0, begin, end);
  return found > 0 ? PatternResult::kFound : found == 0 ? PatternResult::kNone : PatternResult::kGaveUp;
}

PatternResult Pattern::match_all(std::string_view text) const {
  std::size_t begin = 0, end = 0;
  const int found = compiled_->run(text, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED, begin, end);
  return found > 0 ? PatternResult::kFound : found == 0 ? PatternResult::kNone : PatternResult::kGaveUp;
}

PatternResult Pattern::count(std::string_view text, std::size_t& num_matches) const {
  num_matches = 0;
  if (!compiled_->plain.empty()) {
    num_matches = count_of(compiled_->ignore_case ? lower(text) : std::string(text), compiled_->plain);
    return num_matches > 0 ? PatternResult::kFound : PatternResult::kNone;
  }
  std::size_t begin = 0, end = 0, from = 0;
  while (from <= text.size()) {
    const int found = compiled_->run(text, from, 0, begin, end);
    if (found < 0 || num_matches > kMaxSteps) return PatternResult::kGaveUp;
    if (found == 0) break;
    ++num_matches;
    from = end > begin ? end : end + 1;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xc0u) == 0x80u) ++from;
  }
  return num_matches > 0 ? PatternResult::kFound : PatternResult::kNone;
}

std::string literal_pattern(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}-# \t\n\r\f\v&~").find(c) != std::string_view::npos)
      result.push_back('\\');
    result.push_back(c);
  }
  return result;
}

}  // namespace caravan::data
