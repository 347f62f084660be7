// An inspection as one HTML page: figures, histograms as inline SVG, tables. Nothing is loaded from anywhere,
// nothing on it can run, and texts of rows are shown as text.
#pragma once

#include <string>

#include "data/inspection/inspection.h"

namespace caravan::data {

// `title`: what was inspected.
std::string inspection_page(const Inspection& inspection, const std::string& title);

// &, <, >, quotes as entities; control characters but line feed and tab, and bytes that are no UTF-8, as
// U+FFFD.
std::string html_text(std::string_view text);

}  // namespace caravan::data
