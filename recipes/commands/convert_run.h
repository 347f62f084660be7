// The walk of `caravan data convert`: layouts, conversion, ids.
#pragma once

#include <string>
#include <vector>

#include "data/converters/converter.h"
#include "recipes/commands/data_run.h"

namespace caravan::recipes {

struct ConvertRequest {
  std::string format = "auto";  // a layout
  std::string source = {};      // of the records; empty: by layout or file
  data::ConvertOptions options = {};
  std::vector<std::string> column_texts = {};  // as the command line gave them
  bool keep_fields = false;
};

// What the request says of itself in a report.
data::Json describe_convert(const ConvertRequest& asked);

// Runs the command to its end; returns the exit code. Throws data::Error.
int run_convert(const DataFlags& flags, const ConvertRequest& asked);

}  // namespace caravan::recipes
