#include "data/readers/row_source.h"

#include "data/readers/csv_rows.h"
#include "data/readers/file_list.h"
#include "data/readers/parquet_rows.h"
#include "data/readers/row_stream.h"

namespace caravan::data {

std::unique_ptr<RowSource> open_rows(const std::string& path, const RowLimits& limits,
                                     const ByteSourceOptions& options) {
  if (is_pipe(path)) return std::make_unique<RowStream>(path, limits, options);
  switch (row_file_kind(path)) {
    case RowFileKind::kCsv:
      return std::make_unique<CsvRows>(path, ',', limits, options);
    case RowFileKind::kTsv:
      return std::make_unique<CsvRows>(path, '\t', limits, options);
    case RowFileKind::kParquet:
      return open_parquet(path, limits, options);
    case RowFileKind::kJsonLines:
    case RowFileKind::kJson:
      break;
  }
  return std::make_unique<RowStream>(path, limits, options);
}

}  // namespace caravan::data
