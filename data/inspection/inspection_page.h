// An inspection as one HTML page: figures, histograms as inline SVG, tables. Nothing is loaded from anywhere,
// nothing on it can run, and texts of rows are shown as text.
#pragma once

#include <string>

#include "data/inspection/inspection.h"

namespace caravan::data {

// `title`: what was inspected.
std::string inspection_page(const Inspection& inspection, const std::string& title);

}  // namespace caravan::data
