// Rows of public sets under every layout that fits them, and under one that is named. Input: a line with the
// name of a layout (empty: detected), then rows.
#include "data/converters/convert_rows.h"
#include "data/converters/converter_table.h"
#include "data/readers/json_row.h"
#include "data/tokenizers/unicode.h"
#include "data/walk/row_walk.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

namespace {

void check_lines(const std::string& text) {
  data::JsonRow json;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = "{" + text.substr(at, end - at);
    fuzz::require(data::find_invalid_utf8(line) == std::string_view::npos, "records are UTF-8");
    at = end + 1;
  }
}

void convert(const data::WalkBlock& block, const data::Converter& converter) {
  data::ConvertPlan plan;
  plan.files = {{&converter, "fuzz"}};
  plan.options.top_k = 2;
  plan.options.columns = {{"user", "prompt"}, {"assistant", "response"}, {"ground_truth", "answer"}};
  plan.options.dataset = "gsm8k";
  plan.keep_fields = true;
  data::JsonRow json;
  data::PendingBlock made;
  data::convert_block(block, plan, json, made);
  fuzz::require(made.rows.size() == block.size(), "every row has a fate");
  check_lines(made.text);
  if (converter.group == nullptr) return;
  data::GroupedRows grouped(plan);
  grouped.take(made);
  grouped.finish([](data::PendingBlock& out) { check_lines(out.text); });
}

}  // namespace

const fuzz::Registered kTarget("converters", [](fuzz::Input input) {
  const std::string_view name = input.line();
  data::WalkBlock block;
  block.rows.bytes = std::string(input.rest());
  for (std::size_t at = 0; at < block.rows.bytes.size();) {
    const std::size_t end = std::min(block.rows.bytes.find('\n', at), block.rows.bytes.size());
    data::RowBlock::Row row;
    row.begin = at;
    row.length = end - at;
    row.line = block.rows.rows.size() + 1;
    block.rows.rows.push_back(row);
    at = end + 1;
  }
  data::JsonRow json;
  for (const data::Converter& converter : data::converters()) {
    const bool named = converter.name == name;
    bool detected = false;
    for (std::size_t i = 0; i < block.size() && !detected && !named && converter.fits != nullptr; ++i) {
      const data::WalkRow row = data::walk_row(block, i, json);
      detected = row.sound() && converter.fits(row.root());
    }
    if (named || detected) convert(block, converter);
  }
});
