// A filter of words and statements that answers must not hold.
#pragma once

#include "data/filters/keyword_search.h"
#include "data/filters/row_filter.h"

namespace caravan::data {

// `reason`: "keyword", "provider_name", "identity"; the keyword's name follows it behind a colon. The first
// keyword of a row counts.
std::unique_ptr<RowFilter> make_keyword_filter(std::string reason, std::vector<Keyword> keywords,
                                               KeywordSearch::Rules rules, TurnsOf turns);

// pattern: a match of a regular expression; pattern_gave_up: the search on this row came to its bound on
// steps. Throws Error (kData) where the expression cannot be compiled.
std::unique_ptr<RowFilter> make_pattern_filter(const std::string& pattern, TurnsOf turns);

}  // namespace caravan::data
