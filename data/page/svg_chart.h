// Charts of figures as inline SVG: bars, lines, shares and intervals. Each fits on a page of data/page.
//
// A chart says its numbers in words too: every mark has a title, the axes their ends. Non-goals: choosing
// what is worth drawing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caravan::data {

struct Bar {
  std::string label;  // below it, where there is room
  double value = 0.0;
  std::string title;  // all it stands for, "from 4: 12 rows"
};
// Beside each other, the highest with its value above.
std::string bar_chart(const std::string& name, const std::vector<Bar>& bars);

struct ChartPoint {
  double x = 0.0, y = 0.0;
};
struct Curve {
  std::string name;
  std::vector<ChartPoint> points;  // by x; those that are not finite are left out
};
// Up to four curves over one axis, with the ends of both axes written out.
std::string line_chart(const std::string& name, const std::vector<Curve>& curves);

struct Share {
  std::string label;
  std::uint64_t count = 0;
};
// One bar of the whole, cut by shares in their order.
std::string share_bar(const std::string& name, const std::vector<Share>& shares);
// Markup of a mark in the colour of the share of this index, for the words beside the bar.
std::string share_key(std::size_t index);

struct Interval {
  std::string label;
  double value = 0.0, low = 0.0, high = 0.0;
};
// One line each: a dot between its bounds.
std::string interval_chart(const std::string& name, const std::vector<Interval>& intervals);

}  // namespace caravan::data
