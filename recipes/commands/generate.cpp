#include "recipes/commands/generate.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <map>

#include "data/error.h"
#include "data/tokenizers/stop_text.h"
#include "models/error.h"
#include "models/generation/generator.h"
#include "recipes/device.h"
#include "recipes/json_lines.h"
#include "recipes/model_front.h"
#include "recipes/row_messages.h"

namespace caravan::recipes {

namespace {

const std::string kUsage =
    std::string(
        "caravan generate --model DIR [options] < rows.jsonl\n"
        "\n"
        "Completes prompts: JSON lines in, JSON lines out, in order.\n") +
    kSamplingUsage +
    "  --init pretrained|random  random: not the checkpoint's weights, but those that training with "
    "model.init: random and\n"
    "                            run.seed: S begins with; DIR then needs none (pretrained)\n"
    "  --n N                     completions of every row (1): more than one as {\"choices\": [...]}\n"
    "  --stop TEXT               ends a completion; its text ends before it. May be given several times\n"
    "  --keep-stop               the text ends with the stop text instead\n"
    "  --batch-size B            sequences that decode together (32); no result depends on it\n"
    "  --cache-mib M             keys and values may take so much memory; rows wait for it. Default: as "
    "needed\n"
    "  --dtype fp32|bf16         of weights and arithmetic; default: as the checkpoint is stored\n" +
    kDeviceUsage +
    "  --template NAME           chat template: a file of Jinja text or a built-in one; default: the "
    "checkpoint's\n"
    "  --special                 special tokens are recognised in all text; default: only where a template "
    "writes them\n"
    "  --add-special-tokens      puts the tokenizer's BOS before a text prompt\n" +
    kRowFormatUsage +
    "A row is {\"prompt\"} or {\"text\"}, {\"messages\"} or {\"ids\"}, or of another layout, whose last "
    "answer is "
    "left out, and gives {\"ids\", \"text\", "
    "\"log_probs\", \"finish_reason\"}:\n"
    "the new ids with the one that ended the text, their text without special tokens (null where the "
    "checkpoint has no\n"
    "tokenizer), natural logarithms of their probabilities under the model itself (before temperature and "
    "cuts), and\n"
    "stop or length. A row's random numbers come from --seed and its number among the rows, or from its own "
    "\"seed\"\n"
    "alone. A row that cannot be completed gives {\"error\"}.\n"
    "Exit codes: 0 done, 2 usage, 65 rows in error or a damaged checkpoint, 71 out of memory, 74 a file "
    "cannot be read.\n";

struct GenerateArgs {
  RowEncoderOptions rows;
  SamplingFlags sampling;
  DeviceFlag device;
  std::optional<std::string> dtype, init;
  std::optional<std::int64_t> batch_size = 32, completions = 1, cache_mib = 0;
  std::vector<std::string> stops;
  bool keep_stop = false;

  std::uint64_t seed() const { return static_cast<std::uint64_t>(sampling.seed.value_or(0)); }
};

std::unique_ptr<models::Llama> make_model(const GenerateArgs& args) {
  const at::Device device = args.device.resolve("generate");
  if (args.init == "random") return random_model(args.rows.model, args.dtype, device, args.seed());
  return load_model(args.rows.model, args.dtype, device);
}

// Reads rows as places become free, and writes what is done in the order of the rows.
class CompletionPipe {
 public:
  CompletionPipe(const GenerateArgs& args, const CommandFlags& flags, std::istream& in, std::ostream& out)
      : args_(args),
        encoder_(args.rows),
        model_(make_model(args)),
        file_(models::read_generation_config(args.rows.model)),
        sampling_(args.sampling.resolve(file_, args.rows.model, flags)),
        generator_(*model_, {.batch_size = *args.batch_size,
                             .stop_ids = models::stop_ids_of(model_->config(), file_),
                             .cache_bytes = *args.cache_mib << 20}),
        tokenizer_(encoder_.tokenizer()),
        lines_(in),
        out_(out) {
    if (!args.stops.empty()) {
      if (!tokenizer_) flags.refuse("--stop needs a tokenizer, and " + args.rows.model + " has none");
      stop_checks_ = data::stop_checks(*tokenizer_, args.stops);
    }
    std::cerr << "caravan: generate: " << describe_model(*model_) << ", " << describe_sampling(sampling_)
              << std::endl;
  }

  // Whether all rows could be completed.
  bool run() {
    generator_.run(
        [this] { return next(); },
        [this](std::size_t index, const models::Completion& completion) { take(index, completion); });
    out_.flush();
    return !any_problem_;
  }

 private:
  std::optional<models::GenerationRequest> next() {
    while (auto line = lines_.next()) {
      const std::size_t index = next_row_++;
      encoder_.adapt(*line);
      std::string problem = std::move(line->problem);
      if (problem.empty()) {
        encoder_.prepare(line->row);
        try {
          return request(index, line->row);
        } catch (const data::Error& error) {
          problem = error.what();
        } catch (const models::Error& error) {
          problem = error.what();
        }
      }
      any_problem_ = true;
      finish(index, error_row(line->number, problem));
    }
    return std::nullopt;
  }

  models::GenerationRequest request(std::size_t index, const data::Json& row) const {
    models::GenerationRequest request;
    request.index = index;
    request.prompt = encoder_.encode(row);
    const std::int64_t room =
        model_->config().max_position_embeddings - static_cast<std::int64_t>(request.prompt.size());
    const std::int64_t usual = file_.max_new_tokens.value_or(256);
    request.max_new_tokens = args_.sampling.max_new_tokens.value_or(std::clamp<std::int64_t>(room, 1, usual));
    request.sampling = sampling_;
    request.key = key_of(row, index);
    request.completions = *args_.completions;
    request.stop_check = stop_checks_;
    generator_.check_request(request);
    return request;
  }

  std::uint64_t key_of(const data::Json& row, std::size_t index) const {
    if (!row.contains("seed")) return models::sampling_key(args_.seed(), index);
    const data::Json& seed = row["seed"];
    if (!seed.is_number_integer() || seed.get<std::int64_t>() < 0)
      throw data::Error(data::Error::Kind::kData, "\"seed\" must be a whole number from 0 on");
    return models::sampling_key(seed.get<std::uint64_t>(), 0);
  }

  // Writes a row when the last of its completions is there.
  void take(std::size_t index, const models::Completion& completion) {
    const auto wanted = static_cast<std::size_t>(*args_.completions);
    if (wanted == 1) return finish(index, to_line(completion));
    std::vector<std::string>& lines = choices_[index];
    lines.resize(wanted);
    lines[static_cast<std::size_t>(completion.sample)] = to_line(completion);
    if (std::any_of(lines.begin(), lines.end(), [](const std::string& line) { return line.empty(); })) return;
    std::string all = "{\"choices\":[";
    for (std::size_t i = 0; i < lines.size(); ++i) all += (i == 0 ? "" : ",") + lines[i];
    choices_.erase(index);
    finish(index, all + "]}");
  }

  std::string to_line(const models::Completion& completion) const {
    std::string line = "{\"ids\":";
    append_list(line, completion.ids);
    line += ",\"text\":";
    if (tokenizer_)
      append_string(line, data::cut_at_stop(data::written_text(*tokenizer_, completion.ids), args_.stops,
                                            args_.keep_stop));
    else
      line += "null";
    line += ",\"log_probs\":";
    append_list(line, completion.log_probs);
    line += ",\"finish_reason\":\"";
    line += models::finish_reason_name(completion.finish_reason);
    return line + "\"}";
  }

  void finish(std::size_t index, std::string line) {
    done_.emplace(index, std::move(line));
    for (auto first = done_.begin(); first != done_.end() && first->first == next_written_;
         first = done_.begin()) {
      out_ << first->second << '\n';
      done_.erase(first);
      ++next_written_;
    }
  }

  const GenerateArgs& args_;
  RowEncoder encoder_;
  std::unique_ptr<models::Llama> model_;
  models::GenerationConfig file_;
  models::SamplingOptions sampling_;
  models::Generator generator_;
  const data::Tokenizer* tokenizer_;
  std::function<models::StopCheck()> stop_checks_;  // empty without --stop
  JsonLines lines_;
  std::ostream& out_;
  std::size_t next_row_ = 0, next_written_ = 0;
  std::map<std::size_t, std::vector<std::string>> choices_;  // of rows whose completions are not all there
  std::map<std::size_t, std::string> done_;                  // ahead of a row that still runs
  bool any_problem_ = false;
};

}  // namespace

int run_generate(std::span<const std::string> args, std::istream& in, std::ostream& out) {
  GenerateArgs parsed;
  parsed.rows.text_keys = {"prompt", "text"};
  parsed.rows.add_generation_prompt = true;
  CommandFlags flags("generate", kUsage);
  flags.add_text("--model", parsed.rows.model);
  parsed.sampling.add_to(flags);
  flags.add_choice("--init", parsed.init, {"pretrained", "random"});
  flags.add_integer("--batch-size", parsed.batch_size, 1, 1 << 16);
  flags.add_integer("--n", parsed.completions, 1, 1 << 16);
  flags.add_texts("--stop", parsed.stops);
  flags.add_switch("--keep-stop", parsed.keep_stop);
  flags.add_integer("--cache-mib", parsed.cache_mib, 0, std::int64_t{1} << 40);
  parsed.device.add_to(flags);
  flags.add_choice("--dtype", parsed.dtype, {"fp32", "bf16"});
  flags.add_text("--template", parsed.rows.chat_template);
  flags.add_choice("--format", parsed.rows.format, kRowFormatNames);
  flags.add_switch("--special", parsed.rows.special);
  flags.add_switch("--add-special-tokens", parsed.rows.add_special_tokens);
  if (!flags.parse(args)) return 0;
  if (parsed.rows.model.empty()) flags.refuse("--model is needed");
  if (parsed.keep_stop && parsed.stops.empty()) flags.refuse("--keep-stop has no effect without --stop");
  CompletionPipe pipe(parsed, flags, in, out);
  const bool all_done = pipe.run();
  if (!out) throw data::Error(data::Error::Kind::kInputOutput, "generate: stdout cannot be written");
  return all_done ? 0 : static_cast<int>(data::Error::Kind::kData);
}

int run_generate(std::span<const std::string> args) {
  std::ios::sync_with_stdio(false);
  if (isatty(STDIN_FILENO) != 0)
    std::cerr << "caravan: generate: reads JSON lines such as {\"prompt\": \"...\"} from here; Ctrl-D ends"
              << std::endl;
  return run_generate(args, std::cin, std::cout);
}

}  // namespace caravan::recipes
