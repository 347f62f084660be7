// The walk over the rows of many files that every data command makes: blocks of rows go to several threads,
// what they find comes back in the order of the files.
//
//   RowWalk walk(inputs.files(), options);
//   walk.run<Found>([](const WalkBlock& block, JsonRow& json, Found& found) { ... },   // many at once
//                   [](const WalkBlock& block, Found& found) { ... });                 // in order
//
// Goals: constant memory (a block a thread), the same result for any number of threads, a hash of every file
// as it was read. Non-goals: what becomes of the rows (BlockFates, FateLedger).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/readers/json_row.h"
#include "data/readers/row.h"
#include "data/readers/row_source.h"
#include "data/sha256.h"
#include "data/walk/ordered_run.h"

namespace caravan::data {

struct WalkOptions {
  std::size_t threads = 0;  // 0: one for each core this process may use
  RowLimits limits = {};
  bool hash_files = false;          // fills FileRead::sha256
  bool print_rows = false;          // fills FileRead::fingerprint
  std::function<bool()> stop = {};  // asked before each block; true ends the walk with an Error (interrupted)
};

// A file that was walked to its end.
struct FileRead {
  std::string path;
  std::string sha256 = {};  // of its bytes as they lie on the disk; empty where nobody asked
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t fingerprint = 0;  // of its rows, so that a second walk can tell whether they are the same
};

// Rows that follow one another in a file.
struct WalkBlock {
  std::uint32_t file = 0;            // index into the files of the walk
  std::uint64_t first_row = 0;       // number of its first row in the whole walk, from 0
  std::uint64_t file_first_row = 0;  // the same of the file's first row
  RowBlock rows;
  std::size_t size() const { return rows.rows.size(); }
};

// A row on its way. Views last as long as the block, the values of `json` until it parses the next row.
struct WalkRow {
  std::uint64_t number = 0;  // in the whole walk, from 0
  SourceLine where;          // file, and line from 1
  std::string_view bytes;    // without the line end; what is written where the row is kept as it is
  std::string_view problem;  // why it is no JSON object ("invalid_json", ...); empty where root() is one
  const JsonRow* json = nullptr;
  RowContext context;
  std::string hash;  // of bytes that are gone; filled by who keeps a row beyond its block

  bool sound() const { return problem.empty(); }
  bool blank() const { return problem == kBlankLine; }
  JsonValue root() const { return json->root(); }
  // Text of `id` (a string or a number); empty where there is none.
  std::string id() const;
};

// Parses row `index` of the block.
WalkRow walk_row(const WalkBlock& block, std::size_t index, JsonRow& json);
// The same without parsing: for what only needs the bytes. problem is empty, root() must not be called.
WalkRow unparsed_row(const WalkBlock& block, std::size_t index);

class RowWalk {
 public:
  // Throws data::Error as open_rows, at the first block of each file.
  RowWalk(std::vector<std::string> files, WalkOptions options);

  // `work(const WalkBlock&, JsonRow&, Found&)` in many threads; `take(const WalkBlock&, Found&)` in order.
  // Found is made once a thread and used again for each block: work must clear it. Runs once.
  template <class Found, class Work, class Take>
  void run(Work work, Take take) {
    struct Item {
      WalkBlock block;
      JsonRow json;
      Found found;
    };
    run_ordered<Item>(threads(), {[this](Item& item) { return next(item.block); },
                                  [&work](Item& item) { work(item.block, item.json, item.found); },
                                  [&take](Item& item) { take(item.block, item.found); }});
  }

  std::size_t threads() const { return threads_; }
  const std::vector<std::string>& files() const { return files_; }
  // Complete once run() is back.
  const std::vector<FileRead>& files_read() const { return read_; }
  std::uint64_t rows_read() const { return rows_; }

 private:
  bool next(WalkBlock& block);
  void count_block(const RowBlock& rows);

  std::vector<std::string> files_;
  WalkOptions options_;
  std::size_t threads_;
  std::size_t file_ = 0;
  std::uint64_t file_first_row_ = 0;
  std::unique_ptr<RowSource> source_;
  Sha256 hash_;
  std::uint64_t rows_ = 0;
  std::vector<FileRead> read_;
};

// Cores this process may use; at least 1.
std::size_t usable_cores();

}  // namespace caravan::data
