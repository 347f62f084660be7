// What the loss on pairs costs beside the loss of SFT on the same tokens, in time and memory.
//
//   build/preference_bench [PAIRS] [TOKENS_OF_AN_ANSWER] [WIDTH] [VOCABULARY]
//
// A head in bf16; every token is scored. Peak memory is that of the process, before and after, so run it once
// per size.
#include <ATen/ATen.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "losses/linear_cross_entropy.h"
#include "trainer/batch_tensors.h"
#include "trainer/objectives/answers.h"
#include "trainer/objectives/preference.h"
#include "trainer/objectives/sft.h"

namespace {

using namespace caravan;

long peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atol(line.c_str() + 6);
  return 0;
}

data::MicroBatch pairs_of(int pairs, int tokens, int vocabulary) {
  data::MicroBatch batch;
  batch.doc_starts.push_back(0);
  for (int document = 0; document < 2 * pairs; ++document) {
    for (int t = 0; t < tokens; ++t) {
      batch.ids.push_back((document * 7919 + t * 104729) % vocabulary);
      batch.targets.push_back((document * 7919 + (t + 1) * 104729) % vocabulary);
      batch.weights.push_back(1.f);
      batch.positions.push_back(t);
      batch.reference_log_probs.push_back(-10.f);
    }
    batch.doc_starts.push_back(static_cast<std::int32_t>(batch.ids.size()));
    batch.documents.push_back({});
    batch.document_indices.push_back(static_cast<std::uint32_t>(document / 2));
    batch.roles.push_back(document % 2 == 0 ? data::DocumentRole::kChosen : data::DocumentRole::kRejected);
  }
  return batch;
}

template <class Work>
double best_milliseconds(Work&& work) {
  double best = 1e30;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) { return argc > i ? std::atoi(argv[i]) : otherwise; };
  const int pairs = argument(1, 8), tokens = argument(2, 128), width = argument(3, 576),
            vocabulary = argument(4, 49152);
  const at::NoGradGuard no_grad;
  const data::MicroBatch batch = pairs_of(pairs, tokens, vocabulary);
  const at::Tensor weight_VD = (at::randn({vocabulary, width}) * 0.02).to(at::kBFloat16);
  at::Tensor d_weight_VD = at::zeros({vocabulary, width});
  const at::Tensor hidden_TD = at::randn({batch.num_tokens(), width}).to(at::kBFloat16);
  const losses::OutputHead head{vocabulary, [&](const at::Tensor& h) { return h.matmul(weight_VD.t()); },
                                [&](const at::Tensor& d, const at::Tensor& h) {
                                  d_weight_VD.add_(d.t().matmul(h));
                                  return d.matmul(weight_VD);
                                }};
  const double scale = 1.0;
  const trainer::SftObjective sft{trainer::LossOptions{}};
  const trainer::PreferenceObjective preference{trainer::PreferenceLossOptions{}};
  const double sft_ms = best_milliseconds([&] { sft.loss(hidden_TD, head, batch, &scale); });
  const long before = peak_kib();
  const double preference_ms = best_milliseconds([&] { preference.loss(hidden_TD, head, batch, &scale); });
  const double reference_ms = best_milliseconds([&] { trainer::trained_log_probs(hidden_TD, head, batch); });
  std::printf(
      "%d pairs of 2 x %d tokens, width %d, vocabulary %d: sft %.0f ms, preference %.0f ms (%.2f x), "
      "log-probs "
      "alone %.0f ms; peak %ld MiB after sft, %ld MiB after preference; whole logits would be %lld MiB\n",
      pairs, tokens, width, vocabulary, sft_ms, preference_ms, preference_ms / sft_ms, reference_ms,
      before / 1024, peak_kib() / 1024,
      static_cast<long long>(batch.num_tokens()) * vocabulary * 2 / (1 << 20));
}
