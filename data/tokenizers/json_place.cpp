#include "data/tokenizers/json_place.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace caravan::data {

std::string read_tokenizer_file(const std::string& path) {
  constexpr std::uintmax_t kMaxBytes = 1u << 30;
  const auto refuse = [&](const std::string& what) {
    throw Error(Error::Kind::kInputOutput, path + ": " + what);
  };
  std::error_code problem;
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  if (problem) refuse("cannot be read: " + problem.message());
  if (size > kMaxBytes) {
    refuse("holds " + std::to_string(size) + " bytes; a tokenizer file has at most " +
           std::to_string(kMaxBytes));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(std::string("cannot be opened: ") + std::strerror(errno));
  std::string text(static_cast<std::size_t>(size), '\0');
  file.read(text.data(), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(file.gcount()) != size) {
    refuse("read error after " + std::to_string(file.gcount()) + " of " + std::to_string(size) + " bytes");
  }
  return text;
}

JsonPlace parse_json(simdjson::dom::parser& parser, const std::string& text, const std::string& path) {
  simdjson::dom::element root;
  const simdjson::error_code problem = parser.parse(text).get(root);
  if (problem) {
    throw Error(Error::Kind::kData, path + ": not valid JSON (" + std::to_string(text.size()) +
                                        " bytes): " + simdjson::error_message(problem) +
                                        "; the file is damaged or cut short: fetch it again");
  }
  return {root, path};
}

}  // namespace caravan::data
