// A training row that looks like an evaluation item, with all that a person needs to judge it.
#pragma once

#include <string>
#include <vector>

#include "data/decontamination/eval_items.h"
#include "data/decontamination/measure.h"
#include "data/decontamination/overlap.h"
#include "data/message.h"

namespace caravan::data {

struct Finding {
  std::string file;
  SourceLine where;
  std::string row_sha256;  // of the row's bytes: how a decision finds its row again
  Conversation row;
  std::vector<ItemScore> items;  // best first, then by item
  std::uint32_t message = 0;     // that has most of the best item
  Overlap overlap;               // of the best item's text and that message
};

// `items`: as a Searcher gives them, at least one. The row's messages are copied.
Finding make_finding(const EvalItems& eval, const Conversation& row, std::vector<ItemScore> items);

// One line of matches.jsonl: the row, its items with their scores (at most 20), and the spans of the best in
// bytes of both texts. Ends without a line feed.
std::string match_line(const Finding& finding, const EvalItems& eval);

}  // namespace caravan::data
