// safetensors files: what is written is read back, hostile headers are refused, damage anywhere is never
// believed.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "models/weights/finite.h"
#include "models/weights/safetensors.h"
#include "models/weights/safetensors_writer.h"
#include "tests/support/shared_data.h"
#include "tests/unit/models/weights/error_of.h"
#include "tests/unit/models/weights/scratch_folder.h"

namespace caravan::models {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  const std::uint64_t length = header.size();
  std::string text(reinterpret_cast<const char*>(&length), 8);
  return text + header + std::string(data_bytes, '\0');
}

SafetensorsHeader parse(const std::string& content) {
  return parse_safetensors_header(std::as_bytes(std::span(content)), "x.safetensors");
}

TEST(Safetensors, EveryDtypeComesBack) {
  const tests::ScratchFolder folder;
  std::map<std::string, at::Tensor> tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort,
                          at::kChar, at::kByte, at::kBool}) {
    // Odd counts, so that order by size is what keeps the larger ones aligned.
    tensors[std::string("t.") + c10::toString(type)] = at::arange(15).remainder(2).reshape({3, 5}).to(type);
  }
  tensors["scalar"] = at::full({}, 2.5);
  tensors["empty"] = at::empty({0, 7});
  tensors["transposed"] = at::arange(6).reshape({2, 3}).t();
  write_safetensors(folder / "all.safetensors", tensors);
  const SafetensorsFile file(folder / "all.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "pt");
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor read = file.tensor(name);
    EXPECT_EQ(read.scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(read, tensor)) << name;
    EXPECT_EQ(file.find(name)->begin % dtype_size(file.find(name)->dtype), 0U) << name;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "all.safetensors.partial"));
}

TEST(Safetensors, ViewsOutliveTheFile) {
  const tests::ScratchFolder folder;
  write_safetensors(folder / "a.safetensors", {{"a", at::arange(1000)}});
  at::Tensor view;
  {
    view = SafetensorsFile(folder / "a.safetensors").tensor("a");
    std::filesystem::remove(folder / "a.safetensors");
  }
  EXPECT_EQ(view.sum().item<std::int64_t>(), 499500);
}

// The reference library orders by element size, then by name, and so do we.
TEST(Safetensors, WritesTheSameBytesAsTheReferenceLibrary) {
  SKIP_WITHOUT_SHARED_DATA();
  const tests::ScratchFolder folder;
  for (const std::string name : {"llama", "qwen3", "llama-bf16"}) {
    const std::string original =
        (tests::shared_data() / "goldens/models" / name / "model.safetensors").string();
    const SafetensorsFile file(original);
    std::map<std::string, at::Tensor> tensors;
    for (const StoredTensor& tensor : file.tensors()) tensors[tensor.name] = file.tensor(tensor.name);
    write_safetensors(folder / name, tensors);
    EXPECT_EQ(read_file(folder / name), read_file(original)) << name;
  }
}

TEST(Safetensors, UnalignedDataIsCopied) {
  const std::string header =
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";  // 55 bytes: data at 63
  std::string content = file_of(header, 0);
  const float values[2] = {1.5F, -2.0F};
  content.append(reinterpret_cast<const char*>(values), 8);
  ASSERT_NE(content.size() % 4, 0U);
  const tests::ScratchFolder folder;
  std::ofstream(folder / "odd.safetensors", std::ios::binary) << content;
  const at::Tensor read = SafetensorsFile(folder / "odd.safetensors").tensor("a");
  EXPECT_TRUE(at::equal(read, at::tensor({1.5F, -2.0F})));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(read.const_data_ptr()) % 4, 0U);
}

TEST(Safetensors, HeaderIsPaddedToEightBytes) {
  for (const std::string name : {"a", "ab", "abc", "abcd"}) {
    const std::vector<TensorSpec> specs{{name, Dtype::kUInt8, {3}}};
    const SafetensorsLayout layout = lay_out_safetensors(specs, {});
    EXPECT_EQ(layout.header.size() % 8, 0U);
    EXPECT_EQ(parse(layout.header + "xyz").tensors.front().name, name);
  }
}

struct BadHeader {
  std::string header;
  std::size_t data_bytes;
  std::string part;
};

TEST(Safetensors, RefusesHostileHeaders) {
  const std::string a = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  const std::vector<BadHeader> table{
      {"{" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}})", 12, "leave a hole"},
      {"{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 4, "overlap"},
      {"{" + a + "}", 5, "1 bytes follow"},
      {"{" + a + "} x", 4, "not valid JSON"},
      {"[]", 0, "starts with an array"},
      {"", 0, "not valid JSON"},
      {R"({"a":[]})", 0, "tensor a: holds an array"},
      {R"({"a":{"dtype":"U8","shape":[1]}})", 0, "no data_offsets"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1, "1 numbers"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})", 1, "data_offsets holds 2"},
      {R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1, "shape holds 1.5"},
      {R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1, "shape holds an array"},
      {R"({"a":{"dtype":8,"shape":[1],"data_offsets":[0,1]}})", 1, "dtype is 8"},
      {R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1, "dtype twice"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", 1, "unknown field \"x\""},
      {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1,
       "more than 8 dimensions"},
      {R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", 1,
       "shape holds 18446744073709551615"},
      {R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}})", 0, "more elements"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[18446744073709551615,0]}})", 1,
       "end before they begin"},
      {R"({"__metadata__":{"a":1}})", 0, "text is needed"},
      {R"({"__metadata__":{"a":{}}})", 0, "text is needed"},
      {R"({"__metadata__":{"a":"1","a":"2"}})", 0, "twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "twice"},
      {R"({"\u001b[2J":{"dtype":"U8"}})", 0, R"(tensor \x1B[2J)"},
  };
  for (const BadHeader& entry : table) {
    const Error error = tests::error_of([&] { parse(file_of(entry.header, entry.data_bytes)); });
    EXPECT_EQ(error.exit_code(), 65);
    EXPECT_NAMES(error, "x.safetensors: ");
    EXPECT_NAMES(error, entry.part);
  }
}

// A million brackets and a header that repeats one entry cost time in proportion, not more.
TEST(Safetensors, LargeHostileHeadersEndSoon) {
  EXPECT_THROW(parse(file_of("{\"a\":" + std::string(1'000'000, '['), 0)), Error);
  std::string many = "{";
  for (int i = 0; i < 100'000; ++i) many += R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)";
  many.back() = '}';
  EXPECT_NAMES(tests::error_of([&] { parse(file_of(many, 0)); }), "stands twice");
}

// The limit holds even where the file is large enough for such a header: it must not be parsed at all.
TEST(Safetensors, HeaderLengthIsLimited) {
  const tests::ScratchFolder folder;
  const std::uint64_t length = kMaxSafetensorsHeaderBytes + 1;
  std::ofstream(folder / "x", std::ios::binary) << std::string(reinterpret_cast<const char*>(&length), 8);
  std::filesystem::resize_file(folder / "x", length + 100);  // sparse: takes no room
  EXPECT_NAMES(tests::error_of([&] { SafetensorsFile(folder / "x"); }), "100000001 bytes, at most 100000000");
}

// Whatever a flipped or lost byte makes of a file: an error, or tensors inside the file. Run with sanitizers
// this is the proof that no byte is trusted.
TEST(Safetensors, DamagedBytesAreErrorsOrHarmless) {
  const std::vector<TensorSpec> specs{{"model.norm.weight", Dtype::kFloat32, {3, 5}},
                                      {"b", Dtype::kBFloat16, {7}},
                                      {"zero", Dtype::kInt64, {0}}};
  const SafetensorsLayout layout = lay_out_safetensors(specs, {{"format", "pt"}});
  const std::string good = layout.header + std::string(layout.file_bytes - layout.header.size(), '\1');
  std::mt19937 random(7);
  int num_refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = good;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      damaged[random() % layout.header.size()] =
          static_cast<char>(random() % 4 == 0 ? random() : "0123456789[]{},:\""[random() % 17]);
    }
    if (random() % 4 == 0) damaged.resize(random() % damaged.size());
    try {
      for (const StoredTensor& tensor : parse(damaged).tensors) {
        ASSERT_LE(tensor.begin, tensor.end);
        ASSERT_LE(tensor.end, damaged.size());
        ASSERT_EQ(byte_size(tensor.shape, tensor.dtype), tensor.end - tensor.begin);
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.exit_code(), 65);
      ++num_refused;
    }
  }
  EXPECT_GT(num_refused, 10'000);
}

TEST(Safetensors, FilesThatAreNoFiles) {
  const tests::ScratchFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_NAMES(tests::error_of([&] { SafetensorsFile(folder / "pipe"); }), "not a regular file");
  EXPECT_NAMES(tests::error_of([&] { SafetensorsFile(folder.path().string()); }), "not a regular file");
  EXPECT_EQ(tests::error_of([&] { SafetensorsFile(folder / "absent"); }).exit_code(), 65);
}

TEST(Safetensors, UnknownNamesAreErrors) {
  const tests::ScratchFolder folder;
  write_safetensors(folder / "a.safetensors", {{"a", at::zeros(2)}});
  EXPECT_NAMES(tests::error_of([&] { SafetensorsFile(folder / "a.safetensors").tensor("b"); }),
               "holds no tensor b");
}

TEST(SafetensorsWriter, RefusesWhatWasNotAnnounced) {
  const tests::ScratchFolder folder;
  const std::vector<TensorSpec> specs{{"a", Dtype::kFloat32, {2, 3}}, {"b", Dtype::kFloat32, {1}}};
  {
    SafetensorsWriter writer(folder / "x", specs);
    EXPECT_NAMES(tests::error_of([&] { writer.add("c", at::zeros(1)); }), "not among those announced");
    EXPECT_NAMES(tests::error_of([&] {
                   writer.add("a", at::zeros({3, 2}));
                 }),
                 "announced was float32 [2, 3]");
    EXPECT_NAMES(tests::error_of([&] {
                   writer.add("a", at::zeros({2, 3}, at::kDouble));
                 }),
                 "announced was float32 [2, 3]");
    writer.add("a", at::zeros({2, 3}));
    EXPECT_NAMES(tests::error_of([&] { writer.add("a", at::zeros({2, 3})); }), "comes twice");
    EXPECT_NAMES(tests::error_of([&] { writer.finish(); }), "tensor b was announced and never came");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  const std::vector<TensorSpec> doubled{specs[0], specs[0]};
  EXPECT_NAMES(tests::error_of([&] { SafetensorsWriter(folder / "x", doubled); }), "twice");
}

TEST(Finite, FindsTheElement) {
  const auto first = [](const at::Tensor& tensor) {
    return first_non_finite({static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()},
                            to_dtype(tensor.scalar_type()));
  };
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16}) {
    at::Tensor tensor = at::randn(10'000).to(type);
    tensor[17] = c10::toString(type) == std::string("Half") ? 65504.0 : 3e38;
    EXPECT_FALSE(first(tensor).has_value()) << type;
    tensor[9'999] = -std::numeric_limits<double>::infinity();
    EXPECT_EQ(first(tensor), 9'999U);
    tensor[4'096] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_EQ(first(tensor), 4'096U);
  }
  EXPECT_FALSE(first(at::full({3}, -1, at::kLong)).has_value());
}

}  // namespace
}  // namespace caravan::models
