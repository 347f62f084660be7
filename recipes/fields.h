// What a field list is. Each options struct names its fields once, in visit_fields(Visitor&), as
//
//   v.field("key", member, {.help = "...", .units = "...", .min = ...});     a value
//   v.list("key", vector_of_structs, {.help = "..."});                       a list of structs
//   v.section("key", struct_member, {.help = "..."});                        a struct; only Recipe has these
//
// and everything that must know the fields is a visitor over that one list: the reader, `caravan describe`,
// the resolved recipe, the difference of two recipes. The owners of the structs include nothing of this file:
// the braces become a FieldSpec when a visitor is given. Non-goals: no registry, no inheritance, no run-time
// reflection.
#pragma once

#include <limits>
#include <string_view>

namespace caravan::recipes {

// The order of members is the order in which the lists write them. Bounds include their value unless said
// otherwise.
struct FieldSpec {
  std::string_view help = {};
  bool required = false;
  // Units that may follow the number, separated by spaces. A Quantity must carry one of them; a plain number
  // may, or must when unit_required is set.
  std::string_view units = {};
  bool unit_required = false;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_excluded = false;
  bool max_excluded = false;
  bool path = false;  // input: relative to the recipe's folder, or on the command line to the current one
  bool output_path = false;     // output: relative to the current folder
  bool path_or_name = false;    // an input path where it has a slash, or ends as a file of its kind does
  bool computed = false;        // absent, it is worked out from other keys
  bool free_at_resume = false;  // may differ between a run and its continuation
};

}  // namespace caravan::recipes
