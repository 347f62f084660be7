#include "recipes/commands/score.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <cmath>
#include <iostream>

#include "data/error.h"
#include "losses/linear_cross_entropy.h"
#include "models/device.h"
#include "recipes/device.h"
#include "recipes/json_lines.h"
#include "recipes/model_front.h"
#include "recipes/row_messages.h"
#include "trainer/segmented_pass.h"

namespace caravan::recipes {

namespace {

const std::string kUsage =
    std::string(
        "caravan score --model DIR [options] < rows.jsonl\n"
        "\n"
        "Log-probabilities of tokens, each given those before it: JSON lines in, JSON lines out, in order.\n"
        "  --dtype fp32|bf16         of weights and arithmetic (fp32)\n") +
    kDeviceUsage +
    "  --batch-tokens N          rows are packed into passes of about this many tokens (4096)\n"
    "  --template NAME           chat template: a file of Jinja text or a built-in one; default: the "
    "checkpoint's\n"
    "  --special                 special tokens are recognised in all text; default: only where a template "
    "writes them\n"
    "  --add-special-tokens      puts the BOS and EOS of the tokenizer around \"text\"\n"
    "  --train-on POLICY         assistant (default), last_assistant, completion, all: what \"mask\" "
    "marks\n" +
    kRowFormatUsage +
    "A row is {\"ids\"}, {\"text\"} or {\"messages\"}, or of another layout, and gives {\"log_probs\": "
    "[null, "
    "...], \"sum\"}:\n"
    "natural logarithms, null for the first token. \"ids\" need no tokenizer. Rows with messages also give "
    "\"mask\", 1 where\n"
    "training would train, \"trained_sum\" and \"trained_count\" (null where the template hides the turns): "
    "over "
    "held-out rows,\n"
    "minus the sum of trained_sum divided by that of trained_count is evaluation's loss. A row that cannot "
    "be "
    "scored gives {\"error\"}.\n"
    "Exit codes: 0 done, 2 usage, 65 rows in error or a damaged checkpoint, 71 out of memory, 74 a file "
    "cannot be read.\n";

// Rows that are scored in one packed pass, in order; a row with a problem waits among them for its turn.
struct Row {
  std::size_t number = 0;
  std::vector<std::int32_t> ids;
  std::vector<std::uint8_t> mask = {};  // of rows with messages
  bool has_messages = false;
  std::string problem;
};

class Scorer {
 public:
  Scorer(models::Llama& model, std::ostream& out) : model_(model), units_(model), out_(out) {}

  void add(Row row) {
    if (row.problem.empty()) row.problem = check(row.ids);
    if (row.problem.empty()) tokens_ += static_cast<std::int64_t>(row.ids.size());
    rows_.push_back(std::move(row));
  }
  std::int64_t tokens() const { return tokens_; }
  bool any_problem() const { return any_problem_; }

  // Scores and writes what was added.
  void flush() {
    at::Tensor log_probs_T = tokens_ > 0 ? score() : at::Tensor();
    std::int64_t start = 0;
    for (const Row& row : rows_) {
      if (!row.problem.empty()) {
        write_problem(row.number, row.problem);
        continue;
      }
      const float* first = log_probs_T.const_data_ptr<float>() + start;
      write(row, std::vector<float>(first, first + row.ids.size()));
      start += static_cast<std::int64_t>(row.ids.size());
    }
    out_.flush();
    rows_.clear();
    tokens_ = 0;
  }

 private:
  std::string check(const std::vector<std::int32_t>& ids) const {
    const models::LlamaConfig& config = model_.config();
    if (static_cast<std::int64_t>(ids.size()) > config.max_position_embeddings)
      return "the row has " + std::to_string(ids.size()) +
             " tokens; max_position_embeddings of the model is " +
             std::to_string(config.max_position_embeddings) + "; shorten it";
    for (const std::int32_t id : ids)
      if (id >= config.vocab_size)
        return "token id " + std::to_string(id) + " is outside the model's vocabulary; allowed: 0 to " +
               std::to_string(config.vocab_size - 1);
    return "";
  }

  // Of every token, at its own place; the first of a row has 0.
  at::Tensor score() {
    trainer::ModelInput input;
    std::vector<std::int64_t> ids;
    at::Tensor weights_T = at::ones({tokens_}, at::kFloat);
    input.layout.doc_starts.push_back(0);
    for (const Row& row : rows_) {
      if (!row.problem.empty()) continue;
      for (std::size_t i = 0; i < row.ids.size(); ++i)
        input.layout.positions.push_back(static_cast<std::int32_t>(i));
      ids.insert(ids.end(), row.ids.begin(), row.ids.end());
      input.layout.doc_starts.push_back(static_cast<std::int32_t>(ids.size()));
      weights_T[static_cast<std::int64_t>(ids.size()) - 1] = 0.f;
    }
    input.ids_T = models::device_copy<std::int64_t>(ids, model_.device());
    weights_T = weights_T.to(model_.device());
    const at::Tensor hidden_TD = trainer::SegmentedPass(units_, 0).evaluate(input);
    const losses::OutputHead head{model_.config().vocab_size,
                                  [this](const at::Tensor& hidden_ND) { return model_.logits(hidden_ND); },
                                  {}};
    losses::CrossEntropyOptions options;
    options.gradient = false;
    const at::Tensor next_T =
        losses::linear_cross_entropy(hidden_TD, head, input.ids_T.roll(-1), weights_T, options).log_probs_T;
    return next_T.roll(1).cpu().contiguous();
  }

  void write(const Row& row, const std::vector<float>& log_probs) {
    double sum = 0.0;
    for (std::size_t i = 1; i < log_probs.size(); ++i) sum += static_cast<double>(log_probs[i]);
    if (!std::isfinite(sum)) {
      write_problem(row.number,
                    "the model's logits are not finite; check the checkpoint, or use --dtype fp32");
      return;
    }
    std::string line = "{\"log_probs\":";
    append_list(line, log_probs, 1);
    line += ",\"sum\":" + data::Json(sum).dump();
    if (row.has_messages) add_trained(row, log_probs, line);
    out_ << line << "}\n";
  }

  // What the evaluation of a training run would count of this row.
  static void add_trained(const Row& row, const std::vector<float>& log_probs, std::string& line) {
    if (row.mask.empty()) {
      line += ",\"mask\":null,\"trained_sum\":null,\"trained_count\":null";
      return;
    }
    double sum = 0.0;
    std::int64_t count = 0;
    for (std::size_t i = 1; i < log_probs.size(); ++i) {
      if (row.mask[i] == 0) continue;
      sum += static_cast<double>(log_probs[i]);
      ++count;
    }
    line += ",\"mask\":";
    append_list(line, std::vector<std::int32_t>(row.mask.begin(), row.mask.end()));
    line += ",\"trained_sum\":" + data::Json(sum).dump() + ",\"trained_count\":" + std::to_string(count);
  }

  void write_problem(std::size_t number, const std::string& problem) {
    any_problem_ = true;
    out_ << error_row(number, problem) << '\n';
  }

  models::Llama& model_;
  trainer::UnitShards units_;
  std::ostream& out_;
  std::vector<Row> rows_;
  std::int64_t tokens_ = 0;  // of the rows without problem
  bool any_problem_ = false;
};

struct ScoreArgs {
  RowEncoderOptions rows;
  DeviceFlag device;
  std::optional<std::string> dtype = "fp32";
  std::optional<std::int64_t> batch_tokens = 4096;
};

}  // namespace

int run_score(std::span<const std::string> args, std::istream& in, std::ostream& out) {
  ScoreArgs parsed;
  parsed.rows.text_keys = {"text"};
  std::optional<std::string> train_on;
  CommandFlags flags("score", kUsage);
  flags.add_text("--model", parsed.rows.model);
  parsed.device.add_to(flags);
  flags.add_choice("--dtype", parsed.dtype, {"fp32", "bf16"});
  flags.add_integer("--batch-tokens", parsed.batch_tokens, 1, 1 << 24);
  flags.add_text("--template", parsed.rows.chat_template);
  flags.add_choice("--format", parsed.rows.format, kRowFormatNames);
  flags.add_choice("--train-on", train_on, {"assistant", "last_assistant", "completion", "all"});
  flags.add_switch("--special", parsed.rows.special);
  flags.add_switch("--add-special-tokens", parsed.rows.add_special_tokens);
  if (!flags.parse(args)) return 0;
  if (parsed.rows.model.empty()) flags.refuse("--model is needed");
  if (train_on) parsed.rows.train_on = data::train_on_from_name(*train_on);

  RowEncoder encoder(parsed.rows);
  const auto model = load_model(parsed.rows.model, parsed.dtype, parsed.device.resolve("score"));
  std::cerr << "caravan: score: " << describe_model(*model) << std::endl;
  Scorer scorer(*model, out);
  JsonLines lines(in);
  while (auto line = lines.next()) {
    encoder.adapt(*line);
    Row row{.number = line->number, .ids = {}, .problem = std::move(line->problem)};
    if (row.problem.empty()) {
      encoder.prepare(line->row);
      try {
        row.has_messages = line->row.contains("messages");
        row.ids = encoder.encode(line->row, &row.mask);
      } catch (const data::Error& error) {
        row.problem = error.what();
      }
    }
    if (scorer.tokens() > 0 &&
        scorer.tokens() + static_cast<std::int64_t>(row.ids.size()) > *parsed.batch_tokens)
      scorer.flush();
    scorer.add(std::move(row));
  }
  scorer.flush();
  if (!out) throw data::Error(data::Error::Kind::kInputOutput, "score: stdout cannot be written");
  return scorer.any_problem() ? static_cast<int>(data::Error::Kind::kData) : 0;
}

int run_score(std::span<const std::string> args) {
  std::ios::sync_with_stdio(false);
  if (isatty(STDIN_FILENO) != 0)
    std::cerr << "caravan: score: reads JSON lines such as {\"text\": \"...\"} from here; Ctrl-D ends"
              << std::endl;
  return run_score(args, std::cin, std::cout);
}

}  // namespace caravan::recipes
