#include "data/inspection/inspection_page.h"

#include <algorithm>
#include <cstdio>

#include "data/html_text.h"
#include "data/text_table.h"

namespace caravan::data {
namespace {

constexpr const char* kHead =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em "
    "auto;padding:0 1em}"
    "h1{font-size:1.3em}h2{font-size:1.05em;margin-top:2em}table{border-collapse:collapse}"
    "td,th{padding:.15em .8em .15em 0;text-align:right;font-variant-numeric:tabular-nums}"
    "td:first-child,th:first-child{text-align:left;overflow-wrap:anywhere}"
    "tr{border-bottom:1px solid #8884}.bar{fill:#3b7dd8}.axis{fill:currentColor;font-size:11px}"
    "svg{max-width:100%;height:auto}</style>\n";

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

// Bars with the lower bounds below and the count of the highest above.
std::string histogram(const Inspection::Measure& measure) {
  constexpr double kWidth = 860, kHeight = 170, kBase = 140, kTop = 20;
  if (measure.buckets.empty()) return {};
  std::uint64_t most = 1;
  for (const Bucket& bucket : measure.buckets) most = std::max(most, bucket.rows);
  const double step = kWidth / static_cast<double>(measure.buckets.size());
  std::string svg = "<svg viewBox=\"0 0 " + decimal(kWidth) + " " + decimal(kHeight) +
                    "\" role=\"img\" aria-label=\"" + html_text(measure.name) + "\">\n";
  for (std::size_t i = 0; i < measure.buckets.size(); ++i) {
    const Bucket& bucket = measure.buckets[i];
    const double height = (kBase - kTop) * static_cast<double>(bucket.rows) / static_cast<double>(most);
    const double left = static_cast<double>(i) * step;
    const std::string low = grouped(bucket.low), rows = grouped(bucket.rows);
    svg += "<rect class=\"bar\" x=\"" + decimal(left + 1) + "\" y=\"" + decimal(kBase - height) +
           "\" width=\"" + decimal(std::max(step - 2, 1.0)) + "\" height=\"" + decimal(height) +
           "\"><title>from " + low + ": " + rows + " rows</title></rect>\n";
    // Labels that would touch each other are left out.
    constexpr double kLabelWidth = 48;
    const auto every = static_cast<std::size_t>(kLabelWidth / step) + 1;
    if (i % every == 0)
      svg += "<text class=\"axis\" x=\"" + decimal(left) + "\" y=\"" + decimal(kBase + 14) + "\">" + low +
             "</text>\n";
    if (bucket.rows == most)
      svg += "<text class=\"axis\" x=\"" + decimal(left) + "\" y=\"" + decimal(kTop - 6) + "\">" + rows +
             "</text>\n";
  }
  return svg + "</svg>\n";
}

std::string cells(const char* tag, const TableLine& line) {
  std::string row = "<tr>";
  for (const std::string& cell : line)
    row += std::string("<") + tag + ">" + html_text(cell) + "</" + tag + ">";
  return row + "</tr>\n";
}

std::string count_table(const std::string& title, const std::vector<Inspection::Count>& counts) {
  constexpr std::size_t kMost = 100;
  if (counts.empty()) return {};
  std::string table = "<h2>" + html_text(title) + "</h2>\n<table>\n" + cells("th", {title, "rows"});
  for (std::size_t i = 0; i < std::min(counts.size(), kMost); ++i)
    table += cells("td", {counts[i].name, grouped(counts[i].rows)});
  if (counts.size() > kMost) table += cells("td", {std::to_string(counts.size() - kMost) + " more", ""});
  return table + "</table>\n";
}

}  // namespace

std::string inspection_page(const Inspection& inspection, const std::string& title) {
  std::string page = kHead;
  page +=
      "<title>" + html_text(title) + "</title></head><body>\n<h1>" + html_text(title) + "</h1>\n<table>\n";
  page += cells("td", {"rows", grouped(inspection.rows())});
  page += cells("td", {"usable", grouped(inspection.used())});
  page += cells("td", {"pairs", grouped(inspection.pairs())});
  page += cells("td", {"exact duplicates", grouped(inspection.duplicates())});
  page += cells("td", {"with a prompt that came before", grouped(inspection.repeated_prompts())});
  page += "</table>\n<h2>Per row</h2>\n<table>\n";
  page += cells("th", {"", "min", "median", "mean", "95 %", "99 %", "max", "all"});
  const std::vector<Inspection::Measure> measures = inspection.measures();
  for (const Inspection::Measure& measure : measures) {
    const Distribution& found = measure.distribution;
    page += cells("td", {measure.name, grouped(found.min), grouped(found.median), decimal(found.mean()),
                         grouped(found.p95), grouped(found.p99), grouped(found.max), grouped(found.sum)});
  }
  page += "</table>\n";
  for (const Inspection::Measure& measure : measures)
    page += "<h2>" + html_text(measure.name) + "</h2>\n" + histogram(measure);
  constexpr std::size_t kMostPrompts = 50;
  page += count_table("source", inspection.sources()) + count_table("script", inspection.scripts()) +
          count_table("not usable", inspection.problems()) +
          count_table("prompts that come most", inspection.top_prompts(kMostPrompts));
  return page + "</body></html>\n";
}

}  // namespace caravan::data
