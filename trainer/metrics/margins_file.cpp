#include "trainer/metrics/margins_file.h"

#include <nlohmann/json.hpp>

#include "trainer/metrics/jsonl_sink.h"

namespace caravan::trainer {

MarginsFile::MarginsFile(const std::filesystem::path& path, std::int64_t last_step) : file_(path) {
  keep_rows_through(file_, last_step);
}

void MarginsFile::write(std::int64_t step, const std::vector<std::pair<std::string, double>>& margins) {
  std::string rows, numbers;
  for (const auto& [row, margin] : margins) {
    if (!rows.empty()) rows += ',', numbers += ',';
    rows += nlohmann::json(row).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    append_number(numbers, margin);
  }
  file_.write("{\"step\":" + std::to_string(step) + ",\"rows\":[" + rows + "],\"margins\":[" + numbers +
              "]}\n");
}

}  // namespace caravan::trainer
