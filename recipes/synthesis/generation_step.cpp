#include "recipes/synthesis/generation_step.h"

#include "data/error.h"

namespace caravan::recipes {
namespace {

using data::BlockFates;
using data::Error;
using data::Json;
using data::JsonRow;
using data::WalkBlock;
using data::WalkRow;

// A block, read by one of several threads.
struct ReadBlock {
  std::vector<StepRow> rows;               // those that can be worked on
  std::vector<std::string_view> problems;  // of all rows; empty: it is one of the above
};

void read_block(const WalkBlock& block, JsonRow& json, ReadBlock& read) {
  read.rows.clear();
  read.problems.assign(block.size(), {});
  for (std::size_t i = 0; i < block.size(); ++i) {
    const WalkRow row = walk_row(block, i, json);
    read.problems[i] = row.problem;
    if (!row.sound()) continue;
    std::optional<Json> whole = row.root().to_json();
    if (!whole) {
      read.problems[i] = "number_out_of_range";
      continue;
    }
    std::string id = row.id();
    if (id.empty()) id = std::to_string(row.number);
    read.rows.push_back({std::move(*whole), std::move(id), row.number});
  }
}

void add_fate(const WalkRow& row, const std::string& id, StepResult& result, BlockFates& fates) {
  if (result.keep) {
    fates.keep(row);
  } else if (result.made.empty()) {
    fates.drop(row, std::move(result.reasons));
  } else {
    std::vector<BlockFates::Made> lines;
    for (const Json& made : result.made) {
      const auto own = made.find("id");
      lines.push_back({made.dump(), own != made.end() && own->is_string() ? own->get<std::string>() : id});
    }
    fates.make(row, lines, std::move(result.reasons), data::RowFate::kKept);
  }
  fates.describe(id);
}

}  // namespace

void run_generation_step(const DataFlags& flags, const Json& shown, const StepWork& work,
                         const std::function<Json()>& more) {
  DataRun run(flags, shown);
  BlockFates fates;
  run.walk().run<ReadBlock>(read_block, [&](const WalkBlock& block, ReadBlock& read) {
    std::vector<StepResult> results = read.rows.empty() ? std::vector<StepResult>() : work(read.rows);
    if (results.size() != read.rows.size())
      throw Error(Error::Kind::kInternal, "a step gave " + std::to_string(results.size()) + " results for " +
                                              std::to_string(read.rows.size()) + " rows");
    fates.clear(run.details());
    std::size_t next = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
      WalkRow row = data::unparsed_row(block, i);
      if (read.problems[i].empty()) {
        add_fate(row, read.rows[next].id, results[next], fates);
        ++next;
      } else {
        row.problem = read.problems[i];
        fates.refuse(row);
      }
    }
    run.take(fates);
  });
  run.finish(more ? more() : Json::object());
}

std::size_t count_rows(const std::vector<std::string>& files) {
  data::RowWalk walk(files, {.threads = 1});
  std::size_t rows = 0;
  walk.run<std::size_t>([](const WalkBlock& block, JsonRow&, std::size_t& found) { found = block.size(); },
                        [&rows](const WalkBlock&, std::size_t& found) { rows += found; });
  return rows;
}

}  // namespace caravan::recipes
