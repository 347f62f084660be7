#include "data/page/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "data/html_text.h"
#include "data/page/html_page.h"
#include "data/text_table.h"

namespace caravan::data {
namespace {

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  return text;
}

std::string open_svg(double width, double height, const std::string& name) {
  return "<svg viewBox=\"0 0 " + decimal(width) + " " + decimal(height) + "\" role=\"img\" aria-label=\"" +
         html_text(name) + "\">\n";
}

std::string text_at(double x, double y, const std::string& text, const char* anchor = "start") {
  return "<text class=\"axis\" x=\"" + decimal(x) + "\" y=\"" + decimal(y) + "\" text-anchor=\"" + anchor +
         "\">" + html_text(text) + "</text>\n";
}

std::string box(const std::string& kind, double x, double y, double width, double height,
                const std::string& title) {
  return "<rect class=\"" + kind + "\" x=\"" + decimal(x) + "\" y=\"" + decimal(y) + "\" width=\"" +
         decimal(width) + "\" height=\"" + decimal(height) + "\"><title>" + html_text(title) +
         "</title></rect>\n";
}

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool is_empty() const { return low > high; }
  // 0 at low, 1 at high; one value alone lies in the middle. Halves, for the difference may overflow.
  double place(double value) const {
    const double span = high / 2.0 - low / 2.0;
    return span > 0.0 ? (value / 2.0 - low / 2.0) / span : 0.5;
  }
};

}  // namespace

std::string bar_chart(const std::string& name, const std::vector<Bar>& bars) {
  constexpr double kWidth = 860, kHeight = 170, kBase = 140, kTop = 20;
  if (bars.empty()) return {};
  double most = 0.0;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  const double step = kWidth / static_cast<double>(bars.size());
  std::string svg = open_svg(kWidth, kHeight, name);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double height = most > 0.0 ? (kBase - kTop) * std::max(bars[i].value, 0.0) / most : 0.0;
    const double left = static_cast<double>(i) * step;
    svg += box("bar", left + 1, kBase - height, std::max(step - 2, 1.0), height, bars[i].title);
    // Labels that would touch each other are left out.
    constexpr double kLabelWidth = 48;
    const auto every = static_cast<std::size_t>(kLabelWidth / step) + 1;
    if (i % every == 0) svg += text_at(left, kBase + 14, bars[i].label);
    if (bars[i].value == most && most > 0.0) {
      const bool whole = most == std::floor(most) && most < 1e15;
      svg += text_at(left, kTop - 6, whole ? grouped(static_cast<std::uint64_t>(most)) : figure_text(most));
    }
  }
  return svg + "</svg>\n";
}

std::string line_chart(const std::string& name, const std::vector<Curve>& curves) {
  constexpr double kWidth = 420, kHeight = 170, kLeft = 4, kRight = 416, kTop = 18, kBase = 142;
  constexpr std::size_t kMaxCurves = 4;
  Range xs, ys;
  for (const Curve& curve : curves)
    for (const ChartPoint& point : curve.points) {
      if (!std::isfinite(point.y)) continue;
      xs.add(point.x);
      ys.add(point.y);
    }
  if (xs.is_empty() || ys.is_empty()) return {};
  std::string svg = open_svg(kWidth, kHeight, name);
  svg += "<path class=\"grid\" d=\"M" + decimal(kLeft) + " " + decimal(kBase) + "H" + decimal(kRight) +
         "\"/>\n" + text_at(kLeft, kTop - 6, figure_text(ys.high)) +
         text_at(kLeft, kBase + 13, figure_text(ys.low)) +
         text_at(kRight, kBase + 26, figure_text(xs.high), "end") +
         text_at(kLeft, kBase + 26, figure_text(xs.low));
  for (std::size_t c = 0; c < std::min(curves.size(), kMaxCurves); ++c) {
    // Few points are measurements of their own, and one has no line.
    constexpr std::size_t kFew = 12;
    std::string path, dots;
    std::size_t drawn = 0;
    for (const ChartPoint& point : curves[c].points) {
      if (!std::isfinite(point.y)) continue;
      const std::string x = decimal(kLeft + (kRight - kLeft) * xs.place(point.x)),
                        y = decimal(kBase - (kBase - kTop) * ys.place(point.y));
      path += (drawn++ == 0 ? "M" : "L") + x + " " + y;
      if (drawn <= kFew)
        dots += "<circle class=\"c" + std::to_string(c) + "\" r=\"2.5\" cx=\"" + x + "\" cy=\"" + y +
                "\"><title>" + figure_text(point.x) + ": " + figure_text(point.y) + "</title></circle>\n";
    }
    const std::string number = std::to_string(c);
    svg += "<path class=\"line s" + number + "\" d=\"" + path + "\"><title>" + html_text(curves[c].name) +
           "</title></path>\n" + (drawn <= kFew ? dots : "");
    if (curves.size() > 1) {
      const double at = kLeft + 90 + 80 * static_cast<double>(c);
      svg += box("c" + number, at, kTop - 14, 8, 8, curves[c].name) +
             text_at(at + 11, kTop - 6, curves[c].name.substr(0, 11));
    }
  }
  return svg + "</svg>\n";
}

namespace {

std::string share_color(std::size_t index) {
  constexpr std::size_t kColours = 8;
  return "c" + std::to_string(std::min(index, kColours - 1));
}

}  // namespace

std::string share_key(std::size_t index) {
  return "<span class=\"" + share_color(index) + "\">&#9632;</span> ";
}

std::string share_bar(const std::string& name, const std::vector<Share>& shares) {
  constexpr double kWidth = 860, kBar = 22;
  std::uint64_t all = 0;
  for (const Share& share : shares) all += share.count;
  if (all == 0) return {};
  std::string svg = open_svg(kWidth, kBar, name);
  double left = 0.0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double share = static_cast<double>(shares[i].count) / static_cast<double>(all);
    if (shares[i].count == 0) continue;
    svg += box(share_color(i), left, 0, std::max(kWidth * share, 0.5), kBar,
               shares[i].label + ": " + grouped(shares[i].count) + " of " + grouped(all) + " (" +
                   figure_text(100.0 * share) + " %)");
    left += kWidth * share;
  }
  return svg + "</svg>\n";
}

std::string interval_chart(const std::string& name, const std::vector<Interval>& intervals) {
  constexpr double kWidth = 860, kLeft = 300, kRight = 790, kLine = 22;
  Range range;
  for (const Interval& interval : intervals)
    for (const double value : {interval.value, interval.low, interval.high}) range.add(value);
  if (range.is_empty()) return {};
  // Shares are shown from 0, so that a difference is not made larger than it is.
  if (range.low >= 0.0 && range.high <= 1.0) range.low = 0.0;
  const double height = kLine * static_cast<double>(intervals.size()) + 16;
  std::string svg = open_svg(kWidth, height, name);
  const auto x = [&](double value) { return kLeft + (kRight - kLeft) * range.place(value); };
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const Interval& one = intervals[i];
    const double y = kLine * (static_cast<double>(i) + 0.5);
    svg += text_at(0, y + 4, one.label);
    if (!std::isfinite(one.value)) continue;
    const bool bounded = std::isfinite(one.low) && std::isfinite(one.high);
    if (bounded)
      svg += "<path class=\"line s0\" d=\"M" + decimal(x(one.low)) + " " + decimal(y) + "H" +
             decimal(x(one.high)) + "\"/>\n";
    svg += "<circle class=\"c0\" r=\"4\" cx=\"" + decimal(x(one.value)) + "\" cy=\"" + decimal(y) +
           "\"><title>" +
           html_text(
               one.label + ": " + figure_text(one.value) +
               (bounded ? ", 95 % interval " + figure_text(one.low) + " to " + figure_text(one.high) : "")) +
           "</title></circle>\n" + text_at(kRight + 8, y + 4, figure_text(one.value));
  }
  svg += text_at(kLeft, height - 2, figure_text(range.low)) +
         text_at(kRight, height - 2, figure_text(range.high), "end");
  return svg + "</svg>\n";
}

}  // namespace caravan::data
