#include "trainer/distributed/slurm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/temp_dir.h"
#include "trainer/distributed/torchrun_error_file.h"
#include "trainer/error.h"

namespace caravan::trainer {
namespace {

using Hosts = std::vector<std::string>;

TEST(HostList, Forms) {
  EXPECT_EQ(parse_host_list("node7"), Hosts{"node7"});
  EXPECT_EQ(parse_host_list("a,b-1"), (Hosts{"a", "b-1"}));
  EXPECT_EQ(parse_host_list("node[01-03,7],gpu-a[1-2]x"),
            (Hosts{"node01", "node02", "node03", "node7", "gpu-a1x", "gpu-a2x"}));
  EXPECT_EQ(parse_host_list("n[098-101]"), (Hosts{"n098", "n099", "n100", "n101"}));
  EXPECT_EQ(parse_host_list("r[1-2]c[3,5]"), (Hosts{"r1c3", "r1c5", "r2c3", "r2c5"}));
}

TEST(HostList, Refused) {
  for (const char* text : {"", "a,", "node[1-3", "node]1[", "node[[1]]", "n[3-1]", "n[a-b]", "n[]", "n[1-]",
                           "n[0-99999999999]", "n[0-9999999]", "n[0-999]x[0-999]", "n[1--2]"})
    EXPECT_THROW(parse_host_list(text), Error) << text;
}

TEST(TasksPerNode, Forms) {
  EXPECT_EQ(parse_tasks_per_node("2(x3),1"), (std::vector<std::int64_t>{2, 2, 2, 1}));
  EXPECT_EQ(parse_tasks_per_node("8"), std::vector<std::int64_t>{8});
  for (const char* text : {"", "x", "2(x", "2(x3", "2(x-1)", "2(x999999999)", "(x2)"})
    EXPECT_THROW(parse_tasks_per_node(text), Error) << text;
}

TEST(TorchrunErrorFile, WrittenOnceAndOnlyWhereAsked) {
  const tests::TempDir dir;
  const std::string path = (dir.path() / "error.json").string();
  unsetenv("TORCHELASTIC_ERROR_FILE");
  write_torchrun_error("nobody reads this");
  setenv("TORCHELASTIC_ERROR_FILE", path.c_str(), 1);
  write_torchrun_error("rank 1 (h) failed: \"x\"\n");
  write_torchrun_error("later");
  unsetenv("TORCHELASTIC_ERROR_FILE");
  const auto file = nlohmann::json::parse(tests::read_bytes(path));
  EXPECT_EQ(file["message"]["message"], "rank 1 (h) failed: \"x\"\n");
  EXPECT_GT(std::stoll(file["message"]["extraInfo"]["timestamp"].get<std::string>()), 1700000000);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

}  // namespace
}  // namespace caravan::trainer
