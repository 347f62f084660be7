#include "trainer/segmented_pass.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

namespace caravan::trainer {

at::Tensor SegmentedPass::run(const at::Tensor& hidden, bool keep_graph,
                              std::function<at::Tensor(const at::Tensor&)> unit) {
  Kept& kept = kept_.emplace_back();
  kept.leaf = hidden.detach().requires_grad_();
  if (keep_graph) {
    kept.output = unit(kept.leaf);
    return kept.output;
  }
  at::NoGradGuard no_grad;
  const at::Tensor output = unit(kept.leaf);
  kept.unit = std::move(unit);
  return output;
}

at::Tensor SegmentedPass::forward(const ModelInput& input, const std::function<void(at::Tensor&)>& perturb) {
  kept_.clear();
  ids_T_ = input.ids_T;
  const auto context = model_.context(input.layout);
  at::Tensor hidden_TD = model_.embed(input.ids_T);
  if (perturb) perturb(hidden_TD);
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer)
    hidden_TD = run(hidden_TD, !recomputes(layer), [this, layer, context](const at::Tensor& x_TD) {
      return model_.block(layer, x_TD, context);
    });
  return run(hidden_TD, true, [this](const at::Tensor& x_TD) { return model_.final_norm(x_TD); }).detach();
}

void SegmentedPass::backward(at::Tensor d_hidden_TD) {
  while (!kept_.empty()) {
    Kept unit = std::move(kept_.back());
    kept_.pop_back();
    if (!unit.output.defined()) unit.output = unit.unit(unit.leaf);
    torch::autograd::backward({unit.output}, {d_hidden_TD});
    d_hidden_TD = unit.leaf.grad();
  }
  at::NoGradGuard no_grad;
  model_.embed_backward(ids_T_, d_hidden_TD);
}

at::Tensor SegmentedPass::evaluate(const ModelInput& input,
                                   const std::function<void(const std::string&, const at::Tensor&)>& see) {
  at::NoGradGuard no_grad;
  const auto context = model_.context(input.layout);
  const auto show = [&](const std::string& name, const at::Tensor& x) {
    if (see) see(name, x);
  };
  at::Tensor hidden_TD = model_.embed(input.ids_T);
  show("model.embed_tokens", hidden_TD);
  for (std::int64_t layer = 0; layer < model_.config().num_hidden_layers; ++layer) {
    hidden_TD = model_.block(layer, hidden_TD, context);
    show("model.layers." + std::to_string(layer), hidden_TD);
  }
  hidden_TD = model_.final_norm(hidden_TD);
  show("model.norm", hidden_TD);
  return hidden_TD;
}

}  // namespace caravan::trainer
