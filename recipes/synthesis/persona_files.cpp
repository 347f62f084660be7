#include "recipes/synthesis/persona_files.h"

#include <algorithm>
#include <optional>

#include "data/error.h"
#include "data/readers/row_stream.h"
#include "data/synthesis/made_text.h"
#include "data/tokenizers/tokenizer.h"
#include "data/walk/row_writer.h"

namespace caravan::recipes {
namespace {

using data::Error;

constexpr std::size_t kMaxLineBytes = 65536;

// Lines of a file, or of a text. A line over the limit is an error, not two lines.
class Lines {
 public:
  Lines(const std::string& path, std::string_view text) : path_(path), rest_(text) {
    if (!path.empty()) window_.emplace(data::open_bytes(path));
  }
  // False at the end.
  bool next(std::string& line) {
    ++number_;
    for (std::size_t seen = 0;;) {
      const std::string_view view = window_ ? window_->view() : rest_;
      const std::size_t end = view.find('\n', seen);
      if (std::min(end, view.size()) > kMaxLineBytes)
        throw Error(Error::Kind::kData, place() + ": a line has at most 64 KiB");
      if (end != std::string_view::npos) return take(line, view.substr(0, end), end + 1);
      seen = view.size();
      if (!window_ || !window_->more()) return take(line, view, view.size());
    }
  }
  std::size_t number() const { return number_; }
  std::string place() const { return path_ + ":" + std::to_string(number_); }

 private:
  bool take(std::string& line, std::string_view text, std::size_t size) {
    line = text;
    if (window_)
      window_->drop(size);
    else
      rest_.remove_prefix(size);
    return size > 0;
  }

  const std::string& path_;
  std::string_view rest_;
  std::optional<data::ReadWindow> window_;
  std::size_t number_ = 0;
};

}  // namespace

void write_line_rows(const std::string& path, std::string_view text, const std::string& member,
                     const std::string& out) {
  Lines lines(path, text);
  data::RowWriter writer(out, {.force = true, .inputs = {}}, false);
  std::size_t written = 0;
  for (std::string line; lines.next(line);) {
    const std::string_view kept = data::without_space(line);
    if (kept.empty()) continue;
    try {
      data::require_valid_utf8(kept);
    } catch (const Error&) {
      throw Error(Error::Kind::kData, lines.place() + ": is not UTF-8; convert the file");
    }
    writer.write(data::Json{{"id", std::to_string(lines.number())}, {member, kept}}.dump() + "\n");
    ++written;
  }
  if (written == 0) throw Error(Error::Kind::kData, path + ": holds no line");
  writer.finish();
  writer.commit();
}

void check_line_file(const std::string& path) {
  data::ReadWindow(data::open_bytes(path)).more();
}

}  // namespace caravan::recipes
