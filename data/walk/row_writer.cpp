#include "data/walk/row_writer.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "data/error.h"
#include "data/readers/byte_source.h"
#include "data/walk/output_encoder.h"

namespace caravan::data {
namespace {

void check_ending(const std::string& path) {
  std::string_view name = path;
  for (const std::string_view ending : {".gz", ".zst"}) {
    if (name.ends_with(ending)) name.remove_suffix(ending.size());
  }
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return;
  throw Error(Error::Kind::kUsage,
              path +
                  ": no output is known by this ending; allowed are .jsonl and .ndjson, each also with .gz "
                  "or .zst, and - for standard output");
}

// Standard output may be closed on us; what it got is gone, and the command fails.
void write_stdout(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      throw Error(Error::Kind::kInputOutput, std::string("stdout: cannot be written: ") +
                                                 std::strerror(errno) +
                                                 "; is the disk full, or the reader gone?");
    }
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

}  // namespace

RowWriter::RowWriter(const std::string& path, const WholeFileOptions& options, bool hash)
    : hash_wanted_(hash) {
  if (path != kStdin) {
    check_ending(path);
    file_.emplace(path, options);
  }
  encoder_ = make_encoder(path);
}

RowWriter::~RowWriter() = default;

void RowWriter::write_encoded(std::string_view bytes) {
  if (hash_wanted_) hash_.update(bytes);
  bytes_ += bytes.size();
  if (file_) {
    file_->write(bytes);
  } else {
    write_stdout(bytes);
  }
}

void RowWriter::write(std::string_view lines) {
  encoder_->encode(lines, [this](std::string_view bytes) { write_encoded(bytes); });
}

void RowWriter::finish() {
  encoder_->finish([this](std::string_view bytes) { write_encoded(bytes); });
  if (hash_wanted_) sha256_ = hash_.hex();
  if (file_) file_->finish();
}

void RowWriter::commit() {
  if (file_) file_->commit();
}

}  // namespace caravan::data
