// Parquet files; what reads them is Arrow.
#include "data/error.h"
#include "data/readers/json_row.h"
#include "data/readers/row_source.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("parquet", [](fuzz::Input input) {
  const std::string path = fuzz::file_of("rows.parquet", input.rest());
  fuzz::may_refuse<data::Error>([&] {
    const auto rows = data::open_rows(path, {.row_bytes = 1u << 16, .block_bytes = 1u << 16});
    data::JsonRow json;
    // A small file may say that it has a great many rows.
    std::size_t left = 1000;
    for (data::RowBlock block; left > 0 && rows->next(block);)
      for (const data::RowBlock::Row& row : block.rows) {
        left -= left > 0 ? 1 : 0;
        if (row.problem == nullptr && !row.too_long)
          fuzz::require(json.parse(block.text(row)) != data::JsonRow::Status::kInvalidJson, "a row is JSON");
      }
  });
});
