#include "recipes/synthesis/persona_files.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "data/error.h"
#include "data/synthesis/made_text.h"
#include "data/tokenizers/tokenizer.h"
#include "data/walk/row_writer.h"

namespace caravan::recipes {
namespace {

using data::Error;

constexpr std::streamsize kMostLineBytes = 65536;

// False at the end. A line over the limit is an error, not two lines.
bool next_line(std::istream& in, std::string& line, const std::string& path, std::size_t number) {
  std::vector<char> buffer(static_cast<std::size_t>(kMostLineBytes));
  in.getline(buffer.data(), kMostLineBytes);
  if (in.bad()) throw Error(Error::Kind::kInputOutput, path + ": " + std::strerror(errno));
  if (in.fail() && in.gcount() == kMostLineBytes - 1)
    throw Error(Error::Kind::kData, path + ":" + std::to_string(number) + ": a line has at most 64 KiB");
  if (in.fail()) return false;
  line = buffer.data();
  return true;
}

}  // namespace

void write_line_rows(const std::string& path, std::string_view text, const std::string& member,
                     const std::string& out) {
  std::ifstream file;
  std::istringstream builtin{std::string(text)};
  if (!path.empty()) file.open(path, std::ios::binary);
  if (!path.empty() && !file)
    throw Error(Error::Kind::kInputOutput, path + ": cannot be opened; name a file of lines");
  std::istream& in = path.empty() ? static_cast<std::istream&>(builtin) : file;
  data::RowWriter writer(out, {.force = true, .inputs = {}}, false);
  std::size_t number = 0, written = 0;
  for (std::string line; next_line(in, line, path, ++number);) {
    const std::string_view kept = data::without_space(line);
    if (kept.empty()) continue;
    try {
      data::require_valid_utf8(kept);
    } catch (const Error&) {
      throw Error(Error::Kind::kData,
                  path + ":" + std::to_string(number) + ": is not UTF-8; convert the file");
    }
    writer.write(data::Json{{"id", std::to_string(number)}, {member, kept}}.dump() + "\n");
    ++written;
  }
  if (written == 0) throw Error(Error::Kind::kData, path + ": holds no line");
  writer.finish();
  writer.commit();
}

}  // namespace caravan::recipes
