// Which device a command computes on, and what it says where that cannot be.
#include "recipes/device.h"

#include <gtest/gtest.h>

#include "data/error.h"
#include "trainer/error.h"

namespace caravan::recipes {
namespace {

using trainer::DeviceChoice;

const CudaFacts kGpu{""};
const CudaFacts kNone{"no NVIDIA driver is installed"};

template <class Call>
std::string refusal(Call call) {
  try {
    call();
  } catch (const trainer::Error& error) {
    EXPECT_EQ(error.exit_code(), 2);
    return error.what();
  }
  return "not refused";
}

TEST(ChooseDevice, AutoTakesAGpuWhereThereIsOne) {
  EXPECT_EQ(choose_device(DeviceChoice::kAuto, kGpu, "").str(), "cuda:0");
  EXPECT_EQ(choose_device(DeviceChoice::kAuto, kNone, "").str(), "cpu");
  EXPECT_EQ(choose_device(DeviceChoice::kCpu, kGpu, "").str(), "cpu");
  EXPECT_EQ(choose_device(DeviceChoice::kCuda, kGpu, "").str(), "cuda:0");
}

TEST(ChooseDevice, CudaWithoutOneIsRefusedWithTheReason) {
  EXPECT_EQ(
      refusal([] { choose_device(DeviceChoice::kCuda, kNone, "run.device"); }),
      "run.device: cuda cannot be used here: no NVIDIA driver is installed. Allowed here: cpu, or auto, "
      "which takes what there is");
}

TEST(ChooseDevice, ARunThatGoesOnStaysWhereItWas) {
  std::string note;
  EXPECT_EQ(choose_device_to_go_on(DeviceChoice::kAuto, kGpu, "", 0, note).str(), "cuda:0");
  EXPECT_EQ(choose_device_to_go_on(DeviceChoice::kAuto, kGpu, "cuda", 5, note).str(), "cuda:0");
  EXPECT_EQ(choose_device_to_go_on(DeviceChoice::kAuto, kNone, "cpu", 5, note).str(), "cpu");
  EXPECT_EQ(note, "");
  EXPECT_EQ(choose_device_to_go_on(DeviceChoice::kAuto, kGpu, "cpu", 5, note).str(), "cpu");
  EXPECT_NE(note.find("run.device=cuda moves it"), std::string::npos) << note;
  const std::string text =
      refusal([&] { choose_device_to_go_on(DeviceChoice::kAuto, kNone, "cuda", 7, note); });
  EXPECT_NE(text.find("7 steps of this run were computed on cuda"), std::string::npos) << text;
  EXPECT_NE(text.find("no NVIDIA driver"), std::string::npos) << text;
  EXPECT_NE(text.find("run.device=cpu"), std::string::npos) << text;
}

TEST(ChooseDevice, ARunMovesWhereItIsToldTo) {
  std::string note;
  EXPECT_EQ(choose_device_to_go_on(DeviceChoice::kCpu, kNone, "cuda", 7, note).str(), "cpu");
  EXPECT_NE(note.find("not bit for bit"), std::string::npos) << note;
  note.clear();
  EXPECT_EQ(choose_device_to_go_on(DeviceChoice::kCuda, kGpu, "cpu", 7, note).str(), "cuda:0");
  EXPECT_NE(note.find("not bit for bit"), std::string::npos) << note;
}

TEST(ChooseDevice, DevicesHaveNames) {
  EXPECT_EQ(describe_device(c10::Device("cpu")), "cpu");
  EXPECT_EQ(device_kind(c10::Device("cpu")), "cpu");
  EXPECT_EQ(device_kind(c10::Device("cuda:0")), "cuda");
}

TEST(DeviceFlag, NamesWhatItAllows) {
  const auto parse = [](const std::string& value) {
    DeviceFlag flag;
    CommandFlags flags("score", "");
    flag.add_to(flags);
    flags.parse(std::vector<std::string>{"--device", value});
    return flag;
  };
  EXPECT_EQ(parse("cpu").resolve("score").str(), "cpu");
  EXPECT_EQ(DeviceFlag{}.resolve("score").is_cpu(), !ask_cuda().problem.empty());
  EXPECT_THROW(parse("gpu"), data::Error);
  if (!ask_cuda().problem.empty()) {
    const std::string text = refusal([&] { parse("cuda").resolve("score"); });
    EXPECT_EQ(text.find("--device: cuda cannot be used here: "), 0u) << text;
  }
}

}  // namespace
}  // namespace caravan::recipes
