// The questions that must not be trained on, as read from evaluation files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace caravan::data {

struct EvalFile {
  std::string path;
  std::string sha256;
};

// One evaluation suite, such as gsm8k.
struct EvalSet {
  std::string name;
  std::vector<EvalFile> files;
};

struct EvalItem {
  std::uint32_t set = 0;  // index into EvalItems::sets
  std::string id;         // the row's own, or FILE:LINE
  std::string text;
};

// Items are numbered in the order they were read; reports name the first one where two score the same.
struct EvalItems {
  std::vector<EvalSet> sets;
  std::vector<EvalItem> items;
};

}  // namespace caravan::data
