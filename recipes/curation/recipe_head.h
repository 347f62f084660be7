// What every recipe that makes a file of rows begins with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace caravan::recipes {

// Stage: an enum of one value, the word behind `stage:`.
template <class Stage>
struct RecipeHead {
  std::int64_t schema = 1;
  Stage stage = {};
  std::string name = {};
  std::string out = {};
  bool operator==(const RecipeHead&) const = default;

 protected:
  template <class Visitor>
  void visit_head(Visitor& v, std::string_view out_help) {
    v.field("schema", schema, {.help = "version of this format", .required = true, .min = 1, .max = 1});
    v.field("stage", stage, {.help = "what to do", .required = true});
    v.field("name", name, {.help = "a name for people; absent: none"});
    v.field("out", out, {.help = out_help, .required = true, .output_path = true});
  }
};

}  // namespace caravan::recipes
