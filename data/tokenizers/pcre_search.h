// One search of PCRE2 whose work on a whole text is bounded. PCRE2 bounds it only from each place, so a text
// of a million places that each take a moment would take days.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>
#include <string_view>

namespace caravan::data {

// As pcre2_match on valid UTF-8 at or after `from`, and with its answers. Up to `max_steps` from 64 places,
// from all others an equal share of as many more; PCRE2_ERROR_MATCHLIMIT where that does not do. Sets the
// match limit of `context`. `options`: of pcre2_match, PCRE2_NO_UTF_CHECK is added.
int search_bounded(const pcre2_code* code, std::string_view text, std::size_t from, std::uint32_t options,
                   pcre2_match_data* data, pcre2_match_context* context, std::uint32_t max_steps);

}  // namespace caravan::data
