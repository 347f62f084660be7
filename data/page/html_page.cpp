#include "data/page/html_page.h"

#include <cmath>
#include <cstdio>

#include "data/html_text.h"
#include "data/tokenizers/unicode.h"

namespace caravan::data {
namespace {

constexpr const char* kHead =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:72em;margin:2em "
    "auto;padding:0 1em}"
    "h1{font-size:1.4em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #8888}"
    "h3{font-size:1.05em;margin:1.4em 0 .3em}table{border-collapse:collapse}"
    "td,th{padding:.15em 1.4em .15em 0;text-align:left;vertical-align:top;overflow-wrap:break-word}"
    ".figure{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "tr{border-bottom:1px solid #8884}.wide{overflow-x:auto}.axis{fill:currentColor;font-size:11px}"
    ".bar,.c0{fill:#3b7dd8;color:#3b7dd8}.c1{fill:#e07b39;color:#e07b39}.c2{fill:#3fa66b;color:#3fa66b}"
    ".c3{fill:#b65fc7;color:#b65fc7}.c4{fill:#c9a227;color:#c9a227}.c5{fill:#d05252;color:#d05252}"
    ".c6{fill:#4fa3b5;color:#4fa3b5}.c7{fill:#8a8a8a;color:#8a8a8a}.s0{stroke:#3b7dd8}.s1{stroke:#e07b39}.s2{"
    "stroke:#3fa66b}"
    ".s3{stroke:#b65fc7}.line{fill:none;stroke-width:1.5}.grid{stroke:#8886;stroke-width:1}"
    "svg{max-width:100%;height:auto}.charts{display:flex;flex-wrap:wrap;gap:.5em 2em}"
    ".charts figure{margin:0;flex:1 1 22em;max-width:32em}figcaption{font-size:.9em}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8882;padding:.5em .7em;margin:.3em 0;"
    "font-size:.86em}details{margin:.4em 0}summary{cursor:pointer}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(11em,1fr));gap:.2em 1em}"
    ".right{border-left:4px solid #3fa66b}.wrong{border-left:4px solid #d05252}"
    ".unknown{border-left:4px solid #8a8a8a}.small{font-size:.86em}</style>\n";

std::string row(const std::string& tag, const PageLine& line, const std::vector<bool>& is_figure) {
  std::string text = "<tr>";
  for (std::size_t i = 0; i < line.size(); ++i)
    text += "<" + tag + (i < is_figure.size() && is_figure[i] ? " class=\"figure\">" : ">") +
            html_text(line[i]) + "</" + tag + ">";
  return text + "</tr>\n";
}

// Columns, the first left out, whose cells below the head begin as figures do and are short.
std::vector<bool> figure_columns(const std::vector<PageLine>& lines, bool has_head) {
  constexpr std::size_t kMaxBytes = 32;
  std::vector<bool> is_figure;
  for (std::size_t i = has_head ? 1 : 0; i < lines.size(); ++i) {
    const PageLine& line = lines[i];
    if (is_figure.size() < line.size()) is_figure.resize(line.size(), true);
    for (std::size_t column = 0; column < line.size(); ++column) {
      const std::string& cell = line[column];
      const bool begins =
          cell.empty() || (cell[0] >= '0' && cell[0] <= '9') || cell[0] == '+' || cell[0] == '-';
      is_figure[column] = is_figure[column] && begins && cell.size() <= kMaxBytes;
    }
  }
  if (!is_figure.empty()) is_figure[0] = false;
  return is_figure;
}

}  // namespace

std::string page_head(std::string_view title) {
  const std::string shown = html_text(title);
  return kHead + ("<title>" + shown + "</title></head><body>\n<h1>" + shown + "</h1>\n");
}

std::string page_end() {
  return "</body></html>\n";
}

std::string heading(int level, std::string_view text) {
  const std::string tag = "h" + std::to_string(level);
  return "<" + tag + ">" + html_text(text) + "</" + tag + ">\n";
}

std::string paragraph(std::string_view text) {
  return "<p>" + html_text(text) + "</p>\n";
}

std::string page_table(const std::vector<PageLine>& lines, bool has_head) {
  std::string text = "<div class=\"wide\"><table>\n";
  const std::vector<bool> is_figure = figure_columns(lines, has_head);
  for (std::size_t i = 0; i < lines.size(); ++i)
    text += row(i == 0 && has_head ? "th" : "td", lines[i], is_figure);
  return text + "</table></div>\n";
}

std::string quoted_text(std::string_view text, std::size_t max_bytes) {
  std::string_view shown = text;
  if (text.size() > max_bytes) {
    shown = text.substr(0, max_bytes);
    shown.remove_suffix(incomplete_tail(shown));
  }
  std::string html = html_text(shown);
  if (shown.size() < text.size())
    html += " <i>... " + std::to_string(text.size() - shown.size()) + " more bytes</i>";
  return html;
}

std::string folded(std::string_view summary, const std::string& html) {
  return "<details><summary>" + html_text(summary) + "</summary>\n" + html + "</details>\n";
}

std::string figure_text(double value) {
  if (!std::isfinite(value)) return "-";
  char text[40];
  const double size = std::fabs(value);
  const char* format = size == 0.0     ? "%.0f"
                       : size < 1e-3   ? "%.3g"
                       : size < 1000.0 ? "%.4g"
                       : size < 1e6    ? "%.0f"
                                       : "%.4g";
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace caravan::data
