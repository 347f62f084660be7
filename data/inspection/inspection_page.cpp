#include "data/inspection/inspection_page.h"

#include <algorithm>
#include <cstdio>

#include "data/page/html_page.h"
#include "data/page/svg_chart.h"
#include "data/text_table.h"

namespace caravan::data {
namespace {

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

std::string histogram(const Inspection::Measure& measure) {
  std::vector<Bar> bars;
  for (const Bucket& bucket : measure.buckets)
    bars.push_back({grouped(bucket.low), static_cast<double>(bucket.rows),
                    "from " + grouped(bucket.low) + ": " + grouped(bucket.rows) + " rows"});
  return bar_chart(measure.name, bars);
}

std::string count_table(const std::string& title, const std::vector<Inspection::Count>& counts) {
  constexpr std::size_t kMax = 100;
  if (counts.empty()) return {};
  std::vector<PageLine> lines{{title, "rows"}};
  for (std::size_t i = 0; i < std::min(counts.size(), kMax); ++i)
    lines.push_back({counts[i].name, grouped(counts[i].rows)});
  if (counts.size() > kMax) lines.push_back({std::to_string(counts.size() - kMax) + " more", ""});
  return heading(2, title) + page_table(lines);
}

}  // namespace

std::string inspection_page(const Inspection& inspection, const std::string& title) {
  std::string page = page_head(title);
  page += page_table({{"rows", grouped(inspection.rows())},
                      {"usable", grouped(inspection.used())},
                      {"pairs", grouped(inspection.pairs())},
                      {"exact duplicates", grouped(inspection.duplicates())},
                      {"with a prompt that came before", grouped(inspection.repeated_prompts())}},
                     false);
  std::vector<PageLine> lines{{"", "min", "median", "mean", "95 %", "99 %", "max", "all"}};
  const std::vector<Inspection::Measure> measures = inspection.measures();
  for (const Inspection::Measure& measure : measures) {
    const Distribution& found = measure.distribution;
    lines.push_back({measure.name, grouped(found.min), grouped(found.median), decimal(found.mean()),
                     grouped(found.p95), grouped(found.p99), grouped(found.max), grouped(found.sum)});
  }
  page += heading(2, "Per row") + page_table(lines);
  for (const Inspection::Measure& measure : measures) page += heading(2, measure.name) + histogram(measure);
  constexpr std::size_t kMaxPrompts = 50;
  page += count_table("source", inspection.sources()) + count_table("script", inspection.scripts()) +
          count_table("not usable", inspection.problems()) +
          count_table("prompts that come most", inspection.top_prompts(kMaxPrompts));
  return page + page_end();
}

}  // namespace caravan::data
