// Every damaged checkpoint of the reference data is refused with an error that names what it must; every good
// one opens.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/llama/parameter_shapes.h"
#include "models/weights/hf_directory.h"
#include "tests/support/shared_data.h"
#include "tests/unit/models/weights/error_of.h"

namespace caravan::models {
namespace {

std::string bad_folder() {
  return (tests::shared_data() / "goldens/models/bad").string();
}

nlohmann::json read_cases() {
  return nlohmann::json::parse(std::ifstream(bad_folder() + "/cases.json"));
}

void open_and_check(const std::string& folder) {
  const HfDirectory directory(folder);
  directory.check(llama_parameter_shapes(directory.config()));
}

// "a|b": one of them is enough.
bool names_one_of(const Error& error, const std::string& alternatives) {
  std::istringstream stream(alternatives);
  for (std::string part; std::getline(stream, part, '|');) {
    if (tests::names(error, part)) return true;
  }
  return false;
}

TEST(BadCheckpoints, AreRefusedByName) {
  SKIP_WITHOUT_SHARED_DATA();
  int num_bad = 0, num_good = 0;
  for (const nlohmann::json& entry : read_cases()) {
    const std::string name = entry["case"];
    SCOPED_TRACE(name);
    if (!entry["must_fail"].get<bool>()) {
      EXPECT_NO_THROW(open_and_check(bad_folder() + "/" + name));
      ++num_good;
      continue;
    }
    const Error error = tests::error_of([&] { open_and_check(bad_folder() + "/" + name); });
    for (const std::string part : entry["error_must_name"]) {
      EXPECT_TRUE(names_one_of(error, part)) << "no " << part << " in: " << error.what();
    }
    const bool unsafe = name.starts_with("index_path") || name == "pickle_only";
    EXPECT_EQ(error.exit_code(), unsafe ? 77 : 65) << error.what();
    ++num_bad;
  }
  EXPECT_EQ(num_good, 4);
  EXPECT_EQ(num_bad, 46);
}

// In a single weight file the message names the file too, whatever tensor is at fault.
TEST(BadCheckpoints, NameTheFile) {
  SKIP_WITHOUT_SHARED_DATA();
  for (const char* name :
       {"offsets_overlap", "offsets_outside_file", "offsets_reversed", "offset_negative", "shape_vs_bytes",
        "dtype_vs_bytes", "shape_overflow", "shape_negative", "dtype_unknown", "duplicate_key", "shape_wrong",
        "nan_weight", "tensor_extra", "header_nested_deep", "tied_head_different"}) {
    const Error error = tests::error_of([&] { open_and_check(bad_folder() + "/" + name); });
    EXPECT_NAMES(error, std::string(name) + "/model.safetensors");
  }
}

// Messages are product: these are read by people.
TEST(BadCheckpoints, SayWhatToDo) {
  SKIP_WITHOUT_SHARED_DATA();
  const auto message = [](const std::string& name) {
    return tests::error_of([&] { open_and_check(bad_folder() + "/" + name); });
  };
  EXPECT_NAMES(message("shape_wrong"), "[16, 24]");
  EXPECT_NAMES(message("shape_wrong"), "[24, 16] by config.json");
  EXPECT_NAMES(message("nan_weight"), "element 5");
  EXPECT_NAMES(message("offsets_overlap"), "model.layers.0.input_layernorm.weight");
  EXPECT_NAMES(message("trailing_bytes"), "128 bytes");
  EXPECT_NAMES(message("shard_wrong_tensor"), "it is in model-00002-of-00002.safetensors");
  EXPECT_NAMES(message("tied_head_different"), "tie_word_embeddings");
  EXPECT_NAMES(message("config_type_wrong"), "\"16\"");
  EXPECT_NAMES(message("config_not_json"), "config.json:");
}

}  // namespace
}  // namespace caravan::models
