// The review file as one HTML page: item and row side by side, what they share coloured. No script, nothing
// is loaded, and no text of a row is ever markup.
#pragma once

#include <string>
#include <string_view>

#include "data/decontamination/finding.h"

namespace caravan::data {

std::string review_page_head(std::string_view measure, double review_from, double remove_from);
// `number` counts from 1. Long messages are shown from shortly before what is shared, and say what is left
// out.
std::string review_page_entry(const Finding& finding, const EvalItems& eval, std::size_t number);
std::string review_page_end(std::size_t num_rows);

}  // namespace caravan::data
