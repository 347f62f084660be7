// The filters that somebody asked for, applied together.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/filters/row_filter.h"

namespace caravan::data {

class RowFilters {
 public:
  // Reads the lists and the tokenizer that `options` name. Throws Error: usage (check_filter_options, no
  // filter at all), as the files, and where a pattern cannot be compiled.
  explicit RowFilters(const FilterOptions& options);

  // Memory of one thread.
  struct Workspace {
    std::vector<Conversation> sides;
    std::vector<FilterHit> hits;
    FilterSpace space;
  };
  // All that is to be said against a row, in the order of the filters; none: it is kept. Every filter looks
  // at every row, so counts do not depend on their order. A row without any text has the one hit no_text.
  // Valid until the next call. Thread safe.
  const std::vector<FilterHit>& judge(const JsonValue& row, Workspace& work) const;

 private:
  void add_text_filters(const FilterOptions& options);
  void add_content_filters(const FilterOptions& options);

  std::vector<std::unique_ptr<RowFilter>> filters_;
};

// The stretch of the row that a hit is about, for people: "assistant turn 2: ... a ChatGPT b ...", at most
// `width` characters, control characters and those that nobody sees written out.
std::string excerpt(const FilterHit& hit, std::span<const Conversation> sides, std::size_t width);

}  // namespace caravan::data
