#include "trainer/distributed/process_group.h"

#include <ATen/ATen.h>

namespace caravan::trainer {

namespace {

class SingleGroup : public ProcessGroup {
 public:
  SingleGroup() : ProcessGroup(0, 1) {}

  void use_device(const c10::Device&) override {}
  void set_step(std::int64_t) override {}
  void set_section(const std::string&, std::chrono::seconds) override {}
  void note_progress() noexcept override {}
  Pending all_reduce(const at::Tensor&, Reduce, const std::string&) override { return {}; }
  Pending all_gather(const at::Tensor& whole, const at::Tensor& own, const std::string&) override {
    return copy(whole, own);
  }
  Pending reduce_scatter(const at::Tensor& own, const at::Tensor& whole, const std::string&) override {
    return add(own, whole);
  }
  Pending reduce_scatter_ordered(const at::Tensor& own, const at::Tensor& whole,
                                 const std::string&) override {
    return add(own, whole);
  }
  Pending broadcast(const at::Tensor&, int, const std::string&) override { return {}; }
  void all_reduce(std::span<double>, Reduce, const std::string&) override {}
  std::vector<std::string> all_gather_text(const std::string& text, const std::string&) override {
    return {text};
  }
  void barrier(const std::string&) override {}
  bool stop_wanted() override { return false; }
  std::string last_events() override { return ""; }
  void fail(const std::string&, int) noexcept override {}
  void finish() override {}

 private:
  static Pending add(const at::Tensor& to, const at::Tensor& from) {
    at::Tensor(to).add_(from);
    return {};
  }
  static Pending copy(const at::Tensor& to, const at::Tensor& from) {
    if (to.const_data_ptr() != from.const_data_ptr()) at::Tensor(to).copy_(from);
    return {};
  }
};

}  // namespace

std::unique_ptr<ProcessGroup> make_single_group() {
  return std::make_unique<SingleGroup>();
}

}  // namespace caravan::trainer
