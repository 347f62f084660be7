// CSV and TSV, with a header and without.
#include "data/error.h"
#include "data/readers/csv_rows.h"
#include "data/readers/json_row.h"
#include "tests/fuzz/fuzz_input.h"

using namespace caravan;

const fuzz::Registered kTarget("tables", [](fuzz::Input input) {
  const char separator = input.choose(2) == 0 ? ',' : '\t';
  const bool header = input.choose(2) == 0;
  const std::string path = fuzz::file_of("table", input.rest());
  constexpr data::RowLimits kLimits{.row_bytes = 1024, .block_bytes = 512};
  fuzz::may_refuse<data::Error>([&] {
    data::CsvRows table(path, separator, kLimits, {}, header);
    data::JsonRow json;
    std::uint64_t line = 0;
    for (data::RowBlock block; table.next(block);)
      for (const data::RowBlock::Row& row : block.rows) {
        fuzz::require(row.line > line, "records follow one another");
        line = row.line;
        const bool given = row.problem == nullptr && !row.too_long && row.length > 0;
        fuzz::require(!given || json.parse(block.text(row)) != data::JsonRow::Status::kInvalidJson,
                      "a record is JSON");
      }
  });
});
