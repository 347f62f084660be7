// Pages for people: one HTML file that opens from a disk, in light and dark, without network and scripts.
//
// Every text that is passed in is shown as text, whatever it holds: see html_text. Pages of rows, of runs and
// of pipelines are put together from these pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caravan::data {

// Up to and with the title as a heading; page_end() closes what it opens.
std::string page_head(std::string_view title);
std::string page_end();

std::string heading(int level, std::string_view text);
std::string paragraph(std::string_view text);

using PageLine = std::vector<std::string>;
// The first line is the head where `has_head`. Columns of figures stand to the right, others and the first to
// the left.
std::string page_table(const std::vector<PageLine>& lines, bool has_head = true);

// A text as it is, blanks and line feeds kept, cut after `max_bytes` with a word on how much is missing.
std::string quoted_text(std::string_view text, std::size_t max_bytes = 4000);
// What opens at a click; `html` is markup already.
std::string folded(std::string_view summary, const std::string& html);

// "0.4150", "1.23e-05": a figure in few digits.
std::string figure_text(double value);

}  // namespace caravan::data
