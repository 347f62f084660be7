#include "data/decontamination/finding.h"

#include <algorithm>

namespace caravan::data {
namespace {

constexpr std::size_t kMaxItems = 20;

std::size_t count_bytes(const std::vector<ByteRange>& ranges) {
  std::size_t bytes = 0;
  for (const ByteRange& range : ranges) bytes += range.end - range.begin;
  return bytes;
}

Json spans_json(const std::vector<ByteRange>& ranges) {
  Json spans = Json::array();
  for (const ByteRange& range : ranges) spans.push_back({range.begin, range.end});
  return spans;
}

}  // namespace

Finding make_finding(const EvalItems& eval, const Conversation& row, std::vector<ItemScore> items) {
  std::ranges::stable_sort(items, std::ranges::greater{}, &ItemScore::score);
  Finding finding;
  finding.row = row;
  finding.items = std::move(items);
  const std::string& text = eval.items[finding.items.front().item].text;
  std::size_t most = 0;
  for (std::uint32_t i = 0; i < row.messages.size(); ++i) {
    Overlap overlap = find_overlap(text, row.messages[i].content);
    const std::size_t bytes = count_bytes(overlap.first);
    if (i > 0 && bytes <= most) continue;
    most = bytes;
    finding.message = i;
    finding.overlap = std::move(overlap);
  }
  return finding;
}

std::string match_line(const Finding& finding, const EvalItems& eval) {
  Json items = Json::array();
  for (const ItemScore& score : finding.items) {
    if (items.size() == kMaxItems) break;
    const EvalItem& item = eval.items[score.item];
    items.push_back({{"set", eval.sets[item.set].name}, {"item", item.id}, {"score", score.score}});
  }
  const Json line{{"file", finding.file},
                  {"line", finding.where.line},
                  {"id", finding.row.id},
                  {"items", std::move(items)},
                  {"num_items", finding.items.size()},
                  {"message", finding.message},
                  {"spans", spans_json(finding.overlap.second)},
                  {"eval_spans", spans_json(finding.overlap.first)}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace caravan::data
