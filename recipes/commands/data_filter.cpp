#include "recipes/commands/data_filter.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "data/error.h"
#include "data/filters/row_filters.h"
#include "recipes/commands/data_run.h"
#include "recipes/commands/field_flags.h"
#include "recipes/field_list.h"

namespace caravan::recipes {
namespace {

using data::Error;
using data::FilterHit;
using data::FilterOptions;
using data::Json;

constexpr const char* kUsage =
    "caravan data filter IN... --out FILE [filters]\n"
    "\n"
    "Drops rows that are not worth training on. Every filter looks at every row; fates.jsonl tells all "
    "reasons "
    "of a row.\n"
    "Rows that stay keep their bytes and their order. Without a filter, --reference.\n";

std::string usage() {
  FieldHelp help;
  FilterOptions defaults;
  defaults.visit_fields(help);
  return kUsage + help.text();
}

// What the report says was asked for: settings that are not at their default.
Json shown_options(const FilterOptions& options) {
  Json shown = Json::object();
  const std::vector<FieldEntry> unset = list_fields(FilterOptions());
  const std::vector<FieldEntry> asked = list_fields(options);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i].value != unset[i].value) shown[asked[i].key] = asked[i].value;
  }
  return shown;
}

// "keyword" of "keyword:OpenAI".
std::string filter_of(const std::string& reason) {
  return reason.substr(0, reason.find(':'));
}

// How often each filter spoke, and how often it alone did: what would be kept without it.
class FilterCounts {
 public:
  void add(const std::vector<std::string>& reasons) {
    std::set<std::string> filters;
    for (const std::string& reason : reasons) filters.insert(filter_of(reason));
    for (const std::string& filter : filters) {
      ++counts_[filter].rows;
      counts_[filter].alone += filters.size() == 1;
    }
  }
  Json json() const {
    Json list = Json::array();
    for (const auto& [filter, count] : counts_)
      list.push_back({{"filter", filter}, {"rows", count.rows}, {"alone", count.alone}});
    return list;
  }

 private:
  struct Count {
    std::uint64_t rows = 0, alone = 0;
  };
  std::map<std::string, Count> counts_;
};

struct Found {
  data::BlockFates fates;
  data::RowFilters::Workspace work;
};

class Filter {
 public:
  Filter(DataRun& run, const DataFlags& flags, const data::RowFilters& filters)
      : run_(run), flags_(flags), filters_(filters) {}

  int run() {
    run_.walk().run<Found>(
        [&](const data::WalkBlock& block, data::JsonRow& json, Found& found) { judge(block, json, found); },
        [&](const data::WalkBlock&, Found& found) { take(found); });
    return run_.finish({{"filters", counts_.json()}});
  }

 private:
  void judge(const data::WalkBlock& block, data::JsonRow& json, Found& found) const {
    found.fates.clear(run_.details());
    for (std::size_t i = 0; i < block.size(); ++i) {
      const data::WalkRow row = walk_row(block, i, json);
      if (!row.sound()) {
        found.fates.refuse(row);
        continue;
      }
      const std::vector<FilterHit>& hits = filters_.judge(row.root(), found.work);
      if (hits.empty()) {
        found.fates.keep(row);
      } else {
        drop(row, hits, found);
      }
    }
  }

  void drop(const data::WalkRow& row, const std::vector<FilterHit>& hits, Found& found) const {
    std::vector<std::string> reasons, excerpts;
    for (const FilterHit& hit : hits) {
      reasons.push_back(hit.reason);
      if (flags_.explain)
        excerpts.push_back(data::excerpt(hit, found.work.sides, data::FateLedger::kSampleWidth));
    }
    found.fates.drop(row, std::move(reasons));
    // A row without turns is shown as it is written.
    const bool any = std::ranges::any_of(excerpts, [](const std::string& text) { return !text.empty(); });
    if (any) found.fates.show(std::move(excerpts));
  }

  // In the order of the rows, so that a pattern that gives up ends the command at the same row for any number
  // of threads.
  void take(const Found& found) {
    for (const data::BlockFates::Row& row : found.fates.rows()) {
      if (row.fate != data::RowFate::kDropped) continue;
      counts_.add(row.reasons);
      for (const std::string& reason : row.reasons) check_pattern(reason, row.where);
    }
    run_.take(found.fates);
  }

  // A few such rows are hostile ones; many are a pattern that does not work, at a high price for each row.
  void check_pattern(const std::string& reason, data::SourceLine where) {
    constexpr int kMaxGivenUp = 20;
    if (reason != "pattern_gave_up" || ++given_up_ <= kMaxGivenUp) return;
    throw Error(
        Error::Kind::kData,
        run_.inputs().files()[where.file] + ":" + std::to_string(where.line) +
            ": drop_pattern came to its bound of steps on this row and on " + std::to_string(kMaxGivenUp) +
            " before it: it backtracks without end; avoid repetitions inside repetitions, as in (a+)+, "
            "or make them possessive: (a++)++");
  }

  DataRun& run_;
  const DataFlags& flags_;
  const data::RowFilters& filters_;
  FilterCounts counts_;
  int given_up_ = 0;
};

}  // namespace

int run_data_filter(std::span<const std::string> args) {
  DataFlags flags("data filter", usage());
  FilterOptions options;
  FieldFlags fields(flags.own());
  options.visit_fields(fields);
  if (!flags.parse(args)) return 0;
  data::check_filter_options(options);
  if (!names_a_filter(options)) {
    options.reference = true;
    if (!flags.quiet)
      std::fputs("caravan: data filter: no filter is named; those of the reference run (--reference)\n",
                 stderr);
  }
  return run_filter(flags, options);
}

data::Json describe_filter(const FilterOptions& options) {
  return shown_options(options);
}

int run_filter(const DataFlags& flags, const FilterOptions& options) {
  const data::RowFilters filters(options);
  DataRun run(flags, shown_options(options));
  return Filter(run, flags, filters).run();
}

}  // namespace caravan::recipes
