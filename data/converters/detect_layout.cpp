#include "data/converters/detect_layout.h"

#include <algorithm>
#include <set>
#include <vector>

#include "data/converters/converter_table.h"
#include "data/error.h"
#include "data/readers/row.h"

namespace caravan::data {
namespace {

struct Evidence {
  std::vector<const Converter*> fitting;  // in the order of the table
  std::set<std::string> keys;
  std::size_t rows = 0;  // that are objects
  bool any_row = false;  // that is not blank
};

void look_at(const JsonValue& row, Evidence& evidence) {
  constexpr std::size_t kMaxKeys = 20;
  ++evidence.rows;
  for (const Converter& converter : converters()) {
    const bool known =
        std::find(evidence.fitting.begin(), evidence.fitting.end(), &converter) != evidence.fitting.end();
    if (!known && converter.fits != nullptr && converter.fits(row)) evidence.fitting.push_back(&converter);
  }
  for (const JsonValue value : row) {
    if (evidence.keys.size() < kMaxKeys) evidence.keys.insert(shorten(value.key()));
  }
}

Evidence gather(const std::string& path) {
  constexpr std::size_t kMaxRows = 100;
  const std::unique_ptr<RowSource> source =
      open_rows(path, {.row_bytes = 16u << 20, .block_bytes = 1u << 20});
  RowBlock block;
  JsonRow json;
  Evidence evidence;
  if (!source->next(block)) return evidence;
  for (std::size_t i = 0; i < std::min(block.rows.size(), kMaxRows); ++i) {
    const RowBlock::Row& row = block.rows[i];
    const std::string_view problem = read_object(block.text(row), context_of(row, {}, 0), json);
    evidence.any_row |= problem != kBlankLine;
    if (problem.empty()) look_at(json.root(), evidence);
  }
  return evidence;
}

bool refines(const Converter& special, std::string_view general) {
  std::string_view names = special.refines;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(' '));
    if (name == general) return true;
    names.remove_prefix(std::min(name.size() + 1, names.size()));
  }
  return false;
}

template <class Range, class Name>
std::string join(const Range& range, Name name) {
  std::string text;
  for (const auto& item : range) text += (text.empty() ? "" : ", ") + std::string(name(item));
  return text;
}

}  // namespace

const Converter& detect_layout(const std::string& path) {
  const Evidence evidence = gather(path);
  const std::string remedy = "; name the layout with --format, or the columns with --column";
  if (!evidence.any_row) throw Error(Error::Kind::kData, path + ": holds no row; name a file with rows");
  if (evidence.rows == 0)
    throw Error(Error::Kind::kData,
                path + ": none of the first rows is a JSON object" + remedy + ", or check the file");
  if (evidence.fitting.empty()) {
    throw Error(Error::Kind::kData, path + ": the first rows have the keys " +
                                        join(evidence.keys, [](const std::string& key) { return key; }) +
                                        ", which is no known layout" + remedy);
  }
  std::vector<const Converter*> meant;
  for (const Converter* candidate : evidence.fitting) {
    const bool refined =
        std::any_of(evidence.fitting.begin(), evidence.fitting.end(),
                    [&](const Converter* other) { return refines(*other, candidate->name); });
    if (!refined) meant.push_back(candidate);
  }
  if (meant.size() == 1) return *meant.front();
  throw Error(Error::Kind::kData,
              path + ": the first rows fit more than one layout: " +
                  join(meant, [](const Converter* converter) { return converter->name; }) + remedy);
}

}  // namespace caravan::data
