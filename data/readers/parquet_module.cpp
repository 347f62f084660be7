// The module that reads Parquet: the one file that includes Arrow. See parquet_rows.h.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/memory_pool.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/properties.h>

#include <charconv>
#include <cmath>
#include <exception>
#include <memory>
#include <string>

#include "data/error.h"
#include "data/readers/parquet_rows.h"

namespace caravan::data {
namespace {

constexpr int kMaxDepth = 200;        // of nested types; deeper ones no reader of rows would take
constexpr std::int64_t kBatch = 512;  // rows decoded at once
// What decoding may hold, of all files that are open: a small file may say that it is a very large one.
constexpr std::int64_t kMaxBytes = std::int64_t{4} << 30;

arrow::MemoryPool* bounded_pool() {
  static arrow::CappedMemoryPool pool(arrow::default_memory_pool(), kMaxBytes);
  return &pool;
}

Error damaged(const std::string& path, const std::string& what) {
  return Error(Error::Kind::kData,
               path + ": damaged or no Parquet (" + what.substr(0, 300) + "); fetch the file again");
}

// Arrow's report to ours.
template <class T>
T value_of(arrow::Result<T> result, const std::string& path) {
  if (result.ok()) return std::move(result).ValueUnsafe();
  if (result.status().IsIOError() && result.status().message().find("Failed to open") != std::string::npos)
    throw Error(Error::Kind::kInputOutput, result.status().message());
  throw damaged(path, result.status().message());
}

// Whether JSON has a form for the type; the name of what has none otherwise.
std::string unsupported(const arrow::DataType& type, int depth) {
  if (depth > kMaxDepth) return "types nested more than " + std::to_string(kMaxDepth) + " deep";
  switch (type.id()) {
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
    case arrow::Type::EXTENSION:
    case arrow::Type::DENSE_UNION:
    case arrow::Type::SPARSE_UNION:
      return type.ToString();
    default:
      break;
  }
  for (int i = 0; i < type.num_fields(); ++i) {
    std::string found = unsupported(*type.field(i)->type(), depth + 1);
    if (!found.empty()) return found;
  }
  return {};
}

class JsonWriter {
 public:
  // Writing stops behind `max_bytes`; a cell alone may be longer.
  JsonWriter(std::string& out, AppendJsonString append_string, std::size_t max_bytes)
      : out_(out), append_string_(append_string), max_size_(out.size() + max_bytes) {}
  // False where a number is not finite: JSON has no such value.
  bool finite() const { return finite_; }

  void write(const arrow::Array& array, std::int64_t index) {
    if (full()) return;
    if (array.IsNull(index)) {
      out_ += "null";
      return;
    }
    switch (array.type_id()) {
      case arrow::Type::NA:
        out_ += "null";
        return;
      case arrow::Type::BOOL:
        out_ += static_cast<const arrow::BooleanArray&>(array).Value(index) ? "true" : "false";
        return;
      case arrow::Type::FLOAT:
        return write_number(static_cast<const arrow::FloatArray&>(array).Value(index));
      case arrow::Type::DOUBLE:
        return write_number(static_cast<const arrow::DoubleArray&>(array).Value(index));
      case arrow::Type::INT64:
        return write_number(static_cast<const arrow::Int64Array&>(array).Value(index));
      case arrow::Type::INT32:
        return write_number(static_cast<const arrow::Int32Array&>(array).Value(index));
      case arrow::Type::STRING:
        return append_string_(out_, static_cast<const arrow::StringArray&>(array).GetView(index));
      case arrow::Type::LARGE_STRING:
        return append_string_(out_, static_cast<const arrow::LargeStringArray&>(array).GetView(index));
      case arrow::Type::LIST:
        return write_list(static_cast<const arrow::ListArray&>(array), index);
      case arrow::Type::LARGE_LIST:
        return write_list(static_cast<const arrow::LargeListArray&>(array), index);
      case arrow::Type::FIXED_SIZE_LIST:
        return write_list(static_cast<const arrow::FixedSizeListArray&>(array), index);
      case arrow::Type::MAP:
        return write_list(static_cast<const arrow::MapArray&>(array), index);
      case arrow::Type::STRUCT:
        return write_struct(static_cast<const arrow::StructArray&>(array), index);
      case arrow::Type::DICTIONARY: {
        const auto& dictionary = static_cast<const arrow::DictionaryArray&>(array);
        return write(*dictionary.dictionary(), dictionary.GetValueIndex(index));
      }
      default:
        return write_other(array, index);
    }
  }

 private:
  bool full() const { return out_.size() > max_size_; }

  template <class Number>
  void write_number(Number number) {
    if constexpr (std::is_floating_point_v<Number>) {
      if (!std::isfinite(number)) {
        finite_ = false;
        out_ += "null";
        return;
      }
    }
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
    out_.append(digits, static_cast<std::size_t>(end - digits));
  }

  template <class List>
  void write_list(const List& list, std::int64_t index) {
    const arrow::Array& values = *list.values();
    const std::int64_t begin = list.value_offset(index), end = begin + list.value_length(index);
    out_ += '[';
    for (std::int64_t at = begin; at < end && !full(); ++at) {
      if (at > begin) out_ += ',';
      write(values, at);
    }
    out_ += ']';
  }

  void write_struct(const arrow::StructArray& array, std::int64_t index) {
    const arrow::StructType& type = *array.struct_type();
    out_ += '{';
    for (int i = 0; i < type.num_fields(); ++i) {
      if (i > 0) out_ += ',';
      append_string_(out_, type.field(i)->name());
      out_ += ':';
      write(*array.field(i), index);
    }
    out_ += '}';
  }

  // Small and unsigned integers as numbers; times, dates and decimals as the text Arrow gives them.
  void write_other(const arrow::Array& array, std::int64_t index) {
    const arrow::Result<std::shared_ptr<arrow::Scalar>> scalar = array.GetScalar(index);
    const std::string text = scalar.ok() ? (*scalar)->ToString() : "";
    if (arrow::is_integer(array.type_id())) {
      out_ += text;
    } else {
      append_string_(out_, text);
    }
  }

  std::string& out_;
  AppendJsonString append_string_;
  std::size_t max_size_;
  bool finite_ = true;
};

class ParquetRows : public RowSource {
 public:
  ParquetRows(const std::string& path, const RowLimits& limits, AppendJsonString append_string)
      : path_(path), limits_(limits), append_string_(append_string) {
    std::shared_ptr<arrow::io::ReadableFile> file = value_of(arrow::io::ReadableFile::Open(path), path);
    parquet::ReaderProperties properties(bounded_pool());
    properties.enable_buffered_stream();  // column chunks are read piece by piece, not whole row groups
    parquet::ArrowReaderProperties arrow_properties;
    arrow_properties.set_batch_size(kBatch);
    arrow_properties.set_use_threads(false);
    arrow_properties.set_pre_buffer(false);
    parquet::arrow::FileReaderBuilder builder;
    check(builder.Open(file, properties));
    builder.properties(arrow_properties);
    builder.memory_pool(bounded_pool());
    reader_ = value_of(builder.Build(), path);
    check_schema();
    batches_ = value_of(reader_->GetRecordBatchReader(), path);
  }

  bool next(RowBlock& block) override {
    block.bytes.clear();
    block.rows.clear();
    block.index = blocks_;
    constexpr std::size_t kRowCost = 16;  // so that rows without bytes make no endless block
    while (block.bytes.size() + block.rows.size() * kRowCost < limits_.block_bytes && next_batch())
      add_row(block);
    if (block.rows.empty()) return false;
    ++blocks_;
    return true;
  }
  // Rows are what Arrow tells of; a file's bytes are read in no order.
  std::uint64_t file_bytes_read() const override { return bytes_; }

 private:
  void check(const arrow::Status& status) const {
    if (!status.ok()) throw damaged(path_, status.message());
  }

  void check_schema() {
    std::shared_ptr<arrow::Schema> schema;
    check(reader_->GetSchema(&schema));
    for (const std::shared_ptr<arrow::Field>& field : schema->fields()) {
      const std::string type = unsupported(*field->type(), 0);
      if (type.empty()) continue;
      throw Error(Error::Kind::kData,
                  path_ + ": column " + field->name() + " holds " + type +
                      ", which JSON has no form for; write the file again without the column");
    }
  }

  // True where batch_ has a row at at_.
  bool next_batch() {
    while (!batch_ || at_ == batch_->num_rows()) {
      check(batches_->ReadNext(&batch_));
      at_ = 0;
      if (!batch_) {
        bytes_ = file_size();
        return false;
      }
      columns_ = std::static_pointer_cast<arrow::StructArray>(value_of(batch_->ToStructArray(), path_));
    }
    return true;
  }

  std::uint64_t file_size() const {
    const auto file = arrow::io::ReadableFile::Open(path_);
    return file.ok() ? static_cast<std::uint64_t>((*file)->GetSize().ValueOr(0)) : 0;
  }

  void add_row(RowBlock& block) {
    RowBlock::Row row;
    row.begin = block.bytes.size();
    row.line = ++rows_;
    JsonWriter writer(block.bytes, append_string_, limits_.row_bytes);
    writer.write(*columns_, at_++);
    row.too_long = block.bytes.size() - row.begin > limits_.row_bytes;
    if (!writer.finite()) row.problem = "number_not_finite";
    if (row.too_long || row.problem != nullptr) block.bytes.resize(row.begin);
    row.length = block.bytes.size() - row.begin;
    block.rows.push_back(row);
  }

  std::string path_;
  RowLimits limits_;
  AppendJsonString append_string_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::shared_ptr<arrow::StructArray> columns_;
  std::int64_t at_ = 0;
  std::uint64_t rows_ = 0, blocks_ = 0, bytes_ = 0;
};

// What Arrow throws on damaged files, as our error.
class GuardedRows : public RowSource {
 public:
  GuardedRows(const std::string& path, const RowLimits& limits, AppendJsonString append_string)
      : path_(path),
        rows_(guarded([&] { return std::make_unique<ParquetRows>(path, limits, append_string); })) {}
  bool next(RowBlock& block) override {
    return guarded([&] { return rows_->next(block); });
  }
  std::uint64_t file_bytes_read() const override { return rows_->file_bytes_read(); }

 private:
  template <class Work>
  auto guarded(const Work& work) const -> decltype(work()) {
    try {
      return work();
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      throw damaged(path_, error.what());
    }
  }

  std::string path_;
  std::unique_ptr<ParquetRows> rows_;
};

}  // namespace
}  // namespace caravan::data

extern "C" __attribute__((visibility("default"))) caravan::data::RowSource* caravan_open_parquet_1(
    const std::string& path, const caravan::data::RowLimits& limits,
    caravan::data::AppendJsonString append_string) {
  return new caravan::data::GuardedRows(path, limits, append_string);
}
