// Samples as they are kept. Free of LibTorch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/evaluation/task_item.h"
#include "data/evaluation/task_options.h"
#include "data/rewards/verifier.h"

namespace caravan::trainer {

// {"index", "item", "sample", "part"}: how every sample begins.
data::Json sample_head(const data::TaskItem& item, std::size_t index, std::int64_t sample);

// acc: the likeliest choice is the right one. acc_norm: the likeliest per character, acc_bytes: per byte of
// UTF-8, delimiter not counted; the first of equals, all as lm-eval.
data::Json choice_values(const data::TaskItem& item, const std::vector<double>& log_probs);

// What a log-likelihood of a text says by words (runs of blanks divide them, as lm-eval), bytes and tokens.
data::Json text_values(const std::string& text, double log_prob, std::size_t tokens);

// The verifiers of a task, made once.
class TaskJudges {
 public:
  explicit TaskJudges(const data::TaskOptions& task);
  // Adds "verdict", "reason" (of the first verifier) and "values" to a sample.
  void judge(const std::string& completion, const data::Json& ground_truth, data::Json& sample) const;

 private:
  struct Judge {
    data::TaskVerifier options;
    std::unique_ptr<data::Verifier> verifier;
  };
  std::vector<Judge> judges_;
};

}  // namespace caravan::trainer
