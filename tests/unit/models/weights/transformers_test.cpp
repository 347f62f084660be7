// Directories written here open in safetensors and transformers with equal tensors, configs and logits.
// Needs a Python with torch and transformers: CARAVAN_TEST_PYTHON, or python3. Skipped where there is none.
#include <gtest/gtest.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cstdlib>

#include "models/weights/hf_directory.h"
#include "models/weights/hf_directory_writer.h"
#include "tests/support/shared_data.h"
#include "tests/unit/models/weights/scratch_folder.h"

namespace caravan::models {
namespace {

struct Finished {
  int code = -1;
  std::string output;
};

Finished run(const std::string& command) {
  Finished result;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  char buffer[4096];
  for (std::size_t count = 0; (count = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    result.output.append(buffer, count);
  const int status = ::pclose(pipe);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

void rewrite(const std::string& source, const std::string& target) {
  const HfDirectory directory(source);
  std::vector<TensorSpec> specs;
  for (const auto& [name, entry] : directory.entries())
    specs.push_back({name, entry.tensor->dtype, entry.tensor->shape});
  HfDirectoryWriter writer(target, directory.config(), specs, {.source = source, .max_shard_bytes = 30'000});
  for (const TensorSpec& spec : specs) writer.add(spec.name, directory.tensor(spec.name));
  writer.finish();
}

TEST(Transformers, OpensWhatWeWrite) {
  SKIP_WITHOUT_SHARED_DATA();
  const char* named = std::getenv("CARAVAN_TEST_PYTHON");
  std::string command = std::string(named != nullptr ? named : "python3") + " '" + CARAVAN_SOURCE_DIR +
                        "/tests/unit/models/weights/open_in_transformers.py'";
  // Says which packages are absent before any work is done.
  const Finished probe = run(command);
  const bool absent = probe.code == 99 || probe.code == 127;  // 127: the shell found no such program
  if (absent) GTEST_SKIP() << "no Python with torch, transformers and safetensors: " << probe.output;
  ASSERT_EQ(probe.code, 0) << probe.output;

  const tests::ScratchFolder folder;
  for (const std::string name : {"llama", "llama-tied", "llama31-rope", "llama-linear-rope", "llama-yarn",
                                 "mistral-sw", "qwen2", "qwen3", "olmo2", "llama-sharded", "llama-bf16"}) {
    const std::string source = (tests::shared_data() / "goldens/models" / name).string();
    rewrite(source, folder / name);
    command += " '" + source + "' '" + (folder / name) + "'";
  }
  const Finished result = run(command);
  EXPECT_EQ(result.code, 0) << result.output;
}

}  // namespace
}  // namespace caravan::models
