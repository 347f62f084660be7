// Written checkpoint directories: sharding, companions, ties, and that a directory is whole or not there.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "models/llama/parameter_shapes.h"
#include "models/weights/hf_directory.h"
#include "models/weights/hf_directory_writer.h"
#include "models/weights/safetensors_writer.h"
#include "tests/unit/models/weights/error_of.h"
#include "tests/unit/models/weights/scratch_folder.h"

namespace caravan::models {
namespace {

namespace fs = std::filesystem;

LlamaConfig small_config(bool tied = false) {
  LlamaConfig config;
  config.vocab_size = 32;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.num_key_value_heads = 1;
  config.head_dim = 8;
  config.max_position_embeddings = 64;
  config.bos_token_id = 1;
  config.eos_token_id = {2, 3};
  config.tie_word_embeddings = tied;
  config.other_keys["answer"] = 42;
  return config;
}

std::vector<TensorSpec> specs_of(const LlamaConfig& config, Dtype dtype = Dtype::kFloat32) {
  std::vector<TensorSpec> specs;
  for (const TensorShape& shape : llama_parameter_shapes(config))
    specs.push_back({shape.name, dtype, shape.shape});
  return specs;
}

using Weights = std::map<std::string, at::Tensor>;

Weights weights_of(const std::vector<TensorSpec>& specs) {
  Weights weights;
  for (const TensorSpec& spec : specs)
    weights[spec.name] = at::randn(spec.shape).to(to_scalar_type(spec.dtype));
  return weights;
}

void add_all(HfDirectoryWriter& writer, const Weights& weights) {
  for (const auto& [name, tensor] : weights) writer.add(name, tensor);
}

void expect_holds(const std::string& folder, const Weights& weights) {
  const HfDirectory directory(folder);
  directory.check(llama_parameter_shapes(directory.config()));
  EXPECT_EQ(directory.entries().size(), weights.size());
  for (const auto& [name, tensor] : weights) EXPECT_TRUE(at::equal(directory.tensor(name), tensor)) << name;
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_file(const std::string& path, const std::string& content) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

class HfDirectoryWriterTest : public testing::Test {
 protected:
  tests::ScratchFolder folder_;
  LlamaConfig config_ = small_config();
  std::vector<TensorSpec> specs_ = specs_of(config_);
  Weights weights_ = weights_of(specs_);
  std::string target_ = folder_ / "final";

  void expect_untouched() const {
    EXPECT_FALSE(fs::exists(target_));
    EXPECT_FALSE(fs::exists(target_ + ".partial"));
  }
};

TEST_F(HfDirectoryWriterTest, SingleFile) {
  HfDirectoryWriter writer(target_, config_, specs_, {});
  add_all(writer, weights_);
  EXPECT_FALSE(fs::exists(target_));
  const HfDirectoryWriter::Summary summary = writer.finish();
  EXPECT_EQ(summary.files, (std::vector<std::string>{"config.json", "model.safetensors"}));
  EXPECT_EQ(summary.tensors, specs_.size());
  EXPECT_EQ(summary.tensor_bytes,
            4U * (2 * 32 * 16 + 16 + 2 * (2 * 16 + 2 * 16 * 16 + 2 * 8 * 16 + 3 * 24 * 16)));
  EXPECT_FALSE(fs::exists(target_ + ".partial"));
  expect_holds(target_, weights_);
  const LlamaConfig read = HfDirectory(target_).config();
  EXPECT_EQ(read.dtype, Dtype::kFloat32);
  EXPECT_EQ(read.eos_token_id, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read.other_keys["answer"], 42);
}

// A link of an archive must not bring another file of this machine into what is published.
TEST_F(HfDirectoryWriterTest, LinksThatLeadOutsideAreNotCopied) {
  const std::string secret = folder_ / "secret", base = folder_ / "base";
  write_file(secret, "key");
  write_file(base + "/tokenizer.json", "{}");
  const HfWriterOptions options{.source = base};
  const auto refused = [&] {
    const Error error = tests::error_of([&] { HfDirectoryWriter(target_, config_, specs_, options); });
    EXPECT_EQ(error.exit_code(), 77);
    EXPECT_NAMES(error, secret);
    expect_untouched();
  };
  fs::create_symlink(secret, base + "/LICENSE");
  refused();
  fs::remove(base + "/LICENSE");
  fs::create_directory(base + "/additional_chat_templates");
  fs::create_symlink("../../secret", base + "/additional_chat_templates/x.jinja");
  refused();
  fs::remove(base + "/additional_chat_templates/x.jinja");
  fs::create_symlink("tokenizer.json", base + "/vocab.json");
  EXPECT_NO_THROW(HfDirectoryWriter(target_, config_, specs_, options)) << "a link inside";
}

TEST_F(HfDirectoryWriterTest, LinksOfAHubCacheAreCopied) {
  const std::string cache = folder_ / "models--a--b", base = cache + "/snapshots/0123";
  write_file(cache + "/blobs/99", "text");
  fs::create_directories(base);
  fs::create_symlink("../../blobs/99", base + "/LICENSE");
  HfDirectoryWriter writer(target_, config_, specs_, {.source = base});
  add_all(writer, weights_);
  writer.finish();
  EXPECT_EQ(read_file(target_ + "/LICENSE"), "text");
}

TEST_F(HfDirectoryWriterTest, ShardsInTheGivenOrder) {
  HfDirectoryWriter writer(target_, config_, specs_, {.max_shard_bytes = 4000});
  add_all(writer, weights_);  // by name, which is not the order of the specs
  writer.finish();
  expect_holds(target_, weights_);
  const auto index = nlohmann::json::parse(read_file(target_ + "/model.safetensors.index.json"));
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : weights_) bytes += tensor.nbytes();
  EXPECT_EQ(index["metadata"]["total_size"], bytes);
  EXPECT_EQ(index["metadata"]["total_parameters"], bytes / 4);
  const HfDirectory directory(target_);
  const std::size_t num_files = directory.files().size();
  EXPECT_GT(num_files, 4U);
  std::string before;
  for (const TensorSpec& spec : specs_) {
    const std::string file = index["weight_map"][spec.name];
    EXPECT_GE(file, before) << spec.name;
    before = file;
  }
  for (const SafetensorsFile& file : directory.files()) {
    EXPECT_EQ(file.metadata().at("format"), "pt");
    EXPECT_TRUE(file.tensors().size() == 1 || fs::file_size(file.path()) < 4000 + 1500) << file.path();
    EXPECT_TRUE(file.path().ends_with("-of-0000" + std::to_string(num_files) + ".safetensors"))
        << file.path();
  }
}

TEST_F(HfDirectoryWriterTest, TiedModelHasNoHead) {
  const LlamaConfig config = small_config(true);
  const std::vector<TensorSpec> specs = specs_of(config, Dtype::kBFloat16);
  const Weights weights = weights_of(specs);
  HfDirectoryWriter writer(target_, config, specs, {});
  add_all(writer, weights);
  writer.finish();
  expect_holds(target_, weights);
  const HfDirectory directory(target_);
  EXPECT_FALSE(directory.contains("lm_head.weight"));
  EXPECT_TRUE(directory.config().tie_word_embeddings);
  EXPECT_EQ(directory.config().dtype, Dtype::kBFloat16);

  const Error error = tests::error_of([&] { HfDirectoryWriter(folder_ / "other", config, specs_, {}); });
  EXPECT_NAMES(error, "lm_head.weight is not part of the config's model");
}

TEST_F(HfDirectoryWriterTest, CompanionsAreCopiedByteForByte) {
  const std::string source = folder_ / "base";
  const std::string odd("{\"a\": 1}\r\n\0\xFF", 13);
  const std::vector<std::string> copied{"tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "tokenizer.model",
                                        "vocab.json",
                                        "merges.txt",
                                        "added_tokens.json",
                                        "chat_template.jinja",
                                        "chat_template.json",
                                        "generation_config.json",
                                        "LICENSE",
                                        "qwen.tiktoken",
                                        "additional_chat_templates/tool_use.jinja"};
  for (const std::string& name : copied) write_file(source + "/" + name, name + odd);
  for (const std::string name : {"README.md", "pytorch_model.bin", "optimizer.pt", "config.json"})
    write_file(source + "/" + name, "x");
  HfDirectoryWriter writer(
      target_, config_, specs_,
      {.source = source, .files = {{"chat_template.jinja", "changed"}, {"run.json", "{}"}}});
  add_all(writer, weights_);
  writer.finish();
  for (const std::string& name : copied) {
    EXPECT_EQ(read_file(target_ + "/" + name), name == "chat_template.jinja" ? "changed" : name + odd)
        << name;
  }
  EXPECT_EQ(read_file(target_ + "/run.json"), "{}");
  EXPECT_FALSE(fs::exists(target_ + "/README.md"));
  EXPECT_FALSE(fs::exists(target_ + "/pytorch_model.bin"));
  expect_holds(target_, weights_);
  EXPECT_EQ(tests::error_of([&] {
              HfDirectoryWriter(folder_ / "o", config_, specs_, {.files = {{"../x", ""}}});
            }).exit_code(),
            77);
}

TEST_F(HfDirectoryWriterTest, ExistingDirectoryIsKeptUnlessAsked) {
  write_file(target_ + "/old.txt", "old");
  EXPECT_NAMES(tests::error_of([&] { HfDirectoryWriter(target_, config_, specs_, {}); }),
               "is there already and not empty");
  {
    HfDirectoryWriter writer(target_, config_, specs_, {.replace_existing = true});
    add_all(writer, weights_);
  }
  EXPECT_EQ(read_file(target_ + "/old.txt"), "old");
  HfDirectoryWriter writer(target_ + "/", config_, specs_, {.replace_existing = true});
  add_all(writer, weights_);
  writer.finish();
  EXPECT_FALSE(fs::exists(target_ + "/old.txt"));
  EXPECT_FALSE(fs::exists(target_ + ".partial"));
  expect_holds(target_, weights_);
}

TEST_F(HfDirectoryWriterTest, EmptyDirectoryIsFilled) {
  fs::create_directories(target_);
  HfDirectoryWriter writer(target_, config_, specs_, {});
  add_all(writer, weights_);
  writer.finish();
  expect_holds(target_, weights_);
}

TEST_F(HfDirectoryWriterTest, AbandonedWriterLeavesNothing) {
  {
    HfDirectoryWriter writer(target_, config_, specs_, {});
    writer.add("model.norm.weight", weights_["model.norm.weight"]);
    EXPECT_NAMES(tests::error_of([&] { writer.finish(); }), "was announced and never came");
  }
  expect_untouched();
}

// The process dies in the middle: no directory, and the next writer clears what is left.
TEST_F(HfDirectoryWriterTest, KilledWriterDoesNotHinderTheNext) {
  const pid_t child = ::fork();
  if (child == 0) {
    HfDirectoryWriter writer(target_, config_, specs_, {.max_shard_bytes = 4000});
    for (const std::string name : {"model.norm.weight", "model.layers.0.input_layernorm.weight"})
      writer.add(name, weights_[name]);
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(fs::exists(target_));
  EXPECT_FALSE(fs::is_empty(target_ + ".partial"));
  HfDirectoryWriter writer(target_, config_, specs_, {});
  add_all(writer, weights_);
  EXPECT_EQ(writer.finish().files.size(), 2U);
  EXPECT_EQ(std::distance(fs::directory_iterator(target_), {}), 2);
  expect_holds(target_, weights_);
}

TEST_F(HfDirectoryWriterTest, TwoWritersDoNotMix) {
  HfDirectoryWriter writer(target_, config_, specs_, {});
  const Error error = tests::error_of([&] { HfDirectoryWriter(target_, config_, specs_, {}); });
  EXPECT_EQ(error.exit_code(), 74);
  EXPECT_NAMES(error, "another process is writing it");
  add_all(writer, weights_);
  writer.finish();
  expect_holds(target_, weights_);
}

// A bit that flips on its way to the disk is found before the directory appears.
TEST_F(HfDirectoryWriterTest, DamageOnTheDiskIsFound) {
  for (const std::string victim : {"model.safetensors", "tokenizer.json"}) {
    HfDirectoryWriter writer(target_, config_, specs_, {.files = {{"tokenizer.json", "{}"}}});
    add_all(writer, weights_);
    const std::string path = target_ + ".partial/model.safetensors";
    if (victim == "model.safetensors") {
      std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
      file.seekg(-1, std::ios::end);
      const int last = file.get();
      file.seekp(-1, std::ios::end);
      file.put(static_cast<char>(last ^ 1));
    } else {
      // A folder in the way of the file.
      fs::create_directories(target_ + ".partial/tokenizer.json/x");
    }
    const Error error = tests::error_of([&] { writer.finish(); });
    EXPECT_EQ(error.exit_code(), 74);
    EXPECT_NAMES(error, victim == "model.safetensors" ? "does not read back" : "tokenizer.json");
    EXPECT_FALSE(fs::exists(target_));
  }
}

TEST_F(HfDirectoryWriterTest, FileSizeLimitIsAnErrorThatLeavesNothing) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{6000, 6000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int code = 1;
    try {
      HfDirectoryWriter writer(target_, config_, specs_, {});
      add_all(writer, weights_);
      writer.finish();
    } catch (const Error& error) {
      code = error.exit_code();
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 74);
  expect_untouched();
}

// A disk of 64 KiB of the child's own: full from the start, or filled while the weights come. 0 = as
// promised.
int write_on_a_small_disk(const std::string& disk, const LlamaConfig& config,
                          const std::vector<TensorSpec>& specs, const Weights& weights,
                          bool full_from_the_start) {
  constexpr int kCannotMount = 99;
  const bool isolated = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
  if (!isolated || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    return kCannotMount;
  }
  const std::string filler = disk + "/filler";
  try {
    if (full_from_the_start) write_file(filler, std::string(60'000, 'x'));
    HfDirectoryWriter writer(disk + "/final", config, specs, {});
    if (full_from_the_start) return 2;
    write_file(filler, std::string(60'000, 'x'));
    add_all(writer, weights);
    return 3;
  } catch (const Error& error) {
    if (error.exit_code() != 74) return 4;
  }
  fs::remove(filler);
  return fs::is_empty(disk) ? 0 : 5;
}

TEST_F(HfDirectoryWriterTest, FullDiskIsAnErrorThatLeavesNothing) {
  for (const bool full_from_the_start : {true, false}) {
    const std::string disk = folder_ / "disk";
    fs::create_directories(disk);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(write_on_a_small_disk(disk, config_, specs_, weights_, full_from_the_start));
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 99) GTEST_SKIP() << "this user may not mount a small file system to fill";
    EXPECT_EQ(WEXITSTATUS(status), 0) << (full_from_the_start ? "full from the start" : "filled meanwhile");
  }
}

TEST_F(HfDirectoryWriterTest, RefusesWhatIsNoModel) {
  weights_["model.norm.weight"][3] = std::numeric_limits<float>::infinity();
  {
    HfDirectoryWriter writer(target_, config_, specs_, {});
    const Error error =
        tests::error_of([&] { writer.add("model.norm.weight", weights_["model.norm.weight"]); });
    EXPECT_NAMES(error, "model.norm.weight holds NaN or infinity at element 3");
  }
  auto specs = specs_;
  specs.back().dtype = Dtype::kBFloat16;
  EXPECT_NAMES(tests::error_of([&] { HfDirectoryWriter(target_, config_, specs, {}); }),
               "one floating dtype");
  specs = specs_;
  specs.pop_back();
  EXPECT_NAMES(tests::error_of([&] { HfDirectoryWriter(target_, config_, specs, {}); }),
               "lm_head.weight of the config");
  specs = specs_;
  specs.front().shape[0] = 31;
  EXPECT_NAMES(tests::error_of([&] { HfDirectoryWriter(target_, config_, specs, {}); }),
               "[31, 16], the config says [32, 16]");
  EXPECT_EQ(tests::error_of([&] { HfDirectoryWriter(target_, LlamaConfig{}, specs_, {}); }).exit_code(), 65);
  expect_untouched();
}

TEST_F(HfDirectoryWriterTest, UnwritablePlaceIsAnIoError) {
  write_file(folder_ / "file", "");
  EXPECT_EQ(
      tests::error_of([&] { HfDirectoryWriter(folder_ / "file/inside", config_, specs_, {}); }).exit_code(),
      74);
}

}  // namespace
}  // namespace caravan::models
