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

namespace {

// Integers of 19 digits and more become decimal numbers: simdjson refuses them, and files of transformers
// hold 10^30 for "no limit".
std::string with_wide_integers(const std::string& text) {
  std::string out;
  out.reserve(text.size() + 16);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (!in_string && c >= '0' && c <= '9') {
      std::size_t end = i;
      while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
      out.append(text, i, end - i);
      const bool integer = end == text.size() || (text[end] != '.' && text[end] != 'e' && text[end] != 'E');
      const bool whole =
          i == 0 || (text[i - 1] != '.' && text[i - 1] != '+' && text[i - 1] != 'e' && text[i - 1] != 'E');
      if (integer && whole && end - i >= 19) out += ".0";
      i = end;
      continue;
    }
    if (in_string && c == '\\' && i + 1 < text.size()) out += text[i++];
    if (c == '"') in_string = !in_string;
    out += text[i++];
  }
  return out;
}

}  // namespace

JsonPlace parse_json(simdjson::dom::parser& parser, const std::string& text, const std::string& path) {
  simdjson::dom::element root;
  simdjson::error_code problem = parser.parse(text).get(root);
  if (problem == simdjson::NUMBER_ERROR) problem = parser.parse(with_wide_integers(text)).get(root);
  if (problem) {
    throw Error(Error::Kind::kData, path + ": not valid JSON (" + std::to_string(text.size()) +
                                        " bytes): " + simdjson::error_message(problem) +
                                        "; the file is damaged or cut short: fetch it again");
  }
  return {root, path};
}

}  // namespace caravan::data
