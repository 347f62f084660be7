#include "data/decontamination/review_page.h"

#include <algorithm>
#include <cstdio>

#include "data/html_text.h"

namespace caravan::data {
namespace {

constexpr std::size_t kShownBytes = 6000;
constexpr std::size_t kBytesBefore = 600;

std::size_t char_border(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0u) == 0x80u) --at;
  return at;
}

void append_left_out(std::size_t bytes, std::string& out) {
  if (bytes > 0) out += "<span class=\"out\">[" + std::to_string(bytes) + " bytes left out]</span>";
}

// A text with its shared stretches marked.
void append_marked(std::string_view text, const std::vector<ByteRange>& ranges, std::string& out) {
  std::size_t begin = 0;
  if (text.size() > kShownBytes && !ranges.empty() && ranges.front().begin > kBytesBefore)
    begin = char_border(text, ranges.front().begin - kBytesBefore);
  const std::size_t end = char_border(text, std::min(text.size(), begin + kShownBytes));
  append_left_out(begin, out);
  std::size_t at = begin;
  for (const ByteRange& range : ranges) {
    const std::size_t first = std::clamp(range.begin, at, end), last = std::clamp(range.end, first, end);
    append_html(text.substr(at, first - at), out);
    if (last > first) {
      out += "<mark>";
      append_html(text.substr(first, last - first), out);
      out += "</mark>";
    }
    at = last;
  }
  append_html(text.substr(at, end - at), out);
  append_left_out(text.size() - end, out);
}

}  // namespace

std::string review_page_head(std::string_view measure, double review_from, double remove_from) {
  char range[64];
  std::snprintf(range, sizeof range, "%.2f to %.2f", review_from, remove_from);
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<title>Rows to review</title>\n<style>\n"
      "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1400px;padding:0 "
      "1em;color:#222;background:#fff}\n"
      "article{border-top:1px solid #ccc;padding:1em 0}\n"
      ".pair{display:grid;grid-template-columns:1fr 1fr;gap:1.5em}\n"
      "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,monospace;margin:0}\n"
      "mark{background:#ffd866;color:#000}.out,.role{color:#777}h2{font-size:1em}code{font-size:.9em}\n"
      "@media(max-width:800px){.pair{grid-template-columns:1fr}}\n"
      "@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}mark{background:#7a6000;color:#"
      "fff}}\n"
      "</style></head><body>\n<h1>Rows to review</h1>\n<p>Score ";
  append_html(range, page);
  page += " by the measure <code>";
  append_html(measure, page);
  page +=
      "</code>. What both texts share is marked. Write keep, drop or edit under <code>decision</code> of the "
      "row's "
      "line in review.jsonl and give the file back with --apply-review; until then these rows are left "
      "out.</p>\n";
  return page;
}

std::string review_page_entry(const Finding& finding, const EvalItems& eval, std::size_t number) {
  const ItemScore& best = finding.items.front();
  const EvalItem& item = eval.items[best.item];
  char score[32];
  std::snprintf(score, sizeof score, "%.3f", best.score);
  std::string out = "<article><h2>" + std::to_string(number) + ". score " + score + ": ";
  append_html(eval.sets[item.set].name + " " + item.id, out);
  out += " and ";
  append_html(finding.file + ":" + std::to_string(finding.where.line) + " " + finding.row.id, out);
  out += "</h2><div class=\"pair\"><pre>";
  append_marked(item.text, finding.overlap.first, out);
  out += "</pre><div>";
  for (std::uint32_t i = 0; i < finding.row.messages.size(); ++i) {
    const Message& message = finding.row.messages[i];
    out += "<div class=\"role\">";
    append_html(message.role, out);
    out += "</div><pre>";
    append_marked(message.content, i == finding.message ? finding.overlap.second : std::vector<ByteRange>(),
                  out);
    out += "</pre>";
  }
  return out + "</div></div></article>\n";
}

std::string review_page_end(std::size_t num_rows) {
  return "<p>" + std::to_string(num_rows) + " rows.</p>\n</body></html>\n";
}

}  // namespace caravan::data
