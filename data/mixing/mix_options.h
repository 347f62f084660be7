// What a mix is asked for: how much of each source, and by whose rules.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/quantity.h"

namespace caravan::data {

// kExact: our own rules, the keys of MixAmount but amount. kOpenInstruct: the reference's mixer list; a
// number with a point is a proportion, one without a count. kOpenInstructGetDatasets: its older helper; all
// proportions or all counts.
enum class MixSemantics { kExact, kOpenInstruct, kOpenInstructGetDatasets };
constexpr std::array<std::string_view, 3> choice_names(MixSemantics) {
  return {"exact", "open_instruct", "open_instruct_get_datasets"};
}

// Of the lines: one source behind the other, or all in the order of a hash of seed and content.
enum class MixOrder { kSources, kShuffled };
constexpr std::array<std::string_view, 2> choice_names(MixOrder) {
  return {"sources", "shuffled"};
}

// How much of one source.
struct MixAmount {
  std::optional<Quantity> take = {};            // % of the rows of the source that can be read, or rows
  double weight = 1.0;                          // times each taken row is written
  std::optional<double> share = {};             // parts of the total
  std::optional<std::int64_t> cap = {};         // most lines
  std::optional<std::int64_t> max_repeat = {};  // with share: most times a row is written; absent: once
  std::string amount = {};                      // of the reference's semantics, as it writes it: "1.0", "500"
  bool operator==(const MixAmount&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("take", take,
            {.help = "how much of the source's rows, picked by seed and content: % of those that can be "
                     "read, rounded down, or exactly so many rows; absent: all",
             .units = "% rows",
             .min = 0,
             .min_excluded = true});
    v.field("weight", weight,
            {.help = "times each taken row is written; 2.5 is twice, and half of the rows a third time",
             .min = 0,
             .max = 1000,
             .min_excluded = true});
    v.field("share", share,
            {.help = "parts of mix.total: shares 3 and 1 are three quarters and one quarter; at most 9 "
                     "digits behind the point",
             .min = 0,
             .max = 1e6,
             .min_excluded = true});
    v.field("cap", cap,
            {.help = "most rows of the mix that come from here; fewer are no error",
             .units = "rows",
             .unit_required = true,
             .min = 1});
    v.field(
        "max_repeat", max_repeat,
        {.help = "with share: most times a row is written to fill it; absent: once", .min = 1, .max = 1000});
    v.field(
        "amount", amount,
        {.help = "with mix.semantics of open_instruct: a proportion (\"0.5\", \"1.0\": with a point) or a "
                 "count (\"500\")"});
  }
};

struct MixOptions {
  std::optional<std::int64_t> total = {};  // lines of the mix, divided by share
  MixSemantics semantics = MixSemantics::kExact;
  MixOrder order = MixOrder::kSources;
  bool operator==(const MixOptions&) const = default;

  template <class Visitor>
  void visit_fields(Visitor& v) {
    v.field("total", total,
            {.help = "rows of the mix, divided among the sources by share, exactly; absent: what take and "
                     "weight give",
             .units = "rows",
             .unit_required = true,
             .min = 1});
    v.field("semantics", semantics,
            {.help = "exact: take, weight, share, cap; open_instruct: its dataset_mixer_list, by amount; "
                     "open_instruct_get_datasets: its older helper, by amount"});
    v.field("order", order,
            {.help = "sources: one behind the other, rows as in the files; shuffled: by a hash of seed and "
                     "content. Training shuffles by itself"});
  }
};

}  // namespace caravan::data
