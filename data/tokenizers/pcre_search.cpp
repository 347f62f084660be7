#include "data/tokenizers/pcre_search.h"

#include <algorithm>

namespace caravan::data {

int search_bounded(const pcre2_code* code, std::string_view text, std::size_t from, std::uint32_t options,
                   pcre2_match_data* data, pcre2_match_context* context, std::uint32_t max_steps) {
  constexpr std::uint32_t kMaxLongPlaces = 64, kMinShare = 1000;
  const std::uint64_t total = std::uint64_t{kMaxLongPlaces} * max_steps;
  const auto share = static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(total / (text.size() - from + 1), std::min(kMinShare, max_steps), max_steps));
  const auto* const units = reinterpret_cast<PCRE2_SPTR>(text.empty() ? "" : text.data());
  const auto match = [&](std::size_t at, std::uint32_t more, std::uint32_t steps) {
    pcre2_set_match_limit(context, steps);
    return pcre2_match(code, units, text.size(), at, options | more | PCRE2_NO_UTF_CHECK, data, context);
  };
  if ((options & PCRE2_ANCHORED) != 0) return match(from, 0, max_steps);
  const int found = match(from, 0, share);
  if (found != PCRE2_ERROR_MATCHLIMIT || share == max_steps) return found;
  std::uint32_t long_places = 0;
  for (std::size_t at = from; at <= text.size();) {
    int here = match(at, PCRE2_ANCHORED, share);
    if (here == PCRE2_ERROR_MATCHLIMIT && ++long_places <= kMaxLongPlaces)
      here = match(at, PCRE2_ANCHORED, max_steps);
    if (here != PCRE2_ERROR_NOMATCH) return here;
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80u) ++at;
  }
  return PCRE2_ERROR_NOMATCH;
}

}  // namespace caravan::data
