#include "data/loader/prompt_set.h"

#include <map>
#include <memory>

#include "data/error.h"
#include "data/loader/order.h"
#include "data/loader/take_rows.h"
#include "data/readers/file_list.h"
#include "data/readers/row_layouts.h"
#include "data/readers/row_stream.h"
#include "data/rewards/answer_text.h"
#include "data/rewards/verifier_table.h"
#include "data/walk/row_messages.h"
#include "data/walk/row_walk.h"

namespace caravan::data {
namespace {

constexpr std::uint64_t kOrder = 4;

std::uint64_t key_of(const std::vector<std::int32_t>& ids) {
  std::uint64_t key = ids.size();
  for (const std::int32_t id : ids) key = mix(key, static_cast<std::uint32_t>(id));
  return key;
}

// Names to verifiers, each looked up once.
class KnownVerifiers {
 public:
  const Verifier& get(const std::string& name, const std::string& where) {
    auto& entry = known_[name];
    try {
      if (!entry) entry = make_verifier(name);
    } catch (const Error& error) {
      throw Error(Error::Kind::kData, where + ": dataset: " + error.what() +
                                          "; or name a verifier for every row with reward.verifier");
    }
    return *entry;
  }

 private:
  std::map<std::string, std::unique_ptr<Verifier>> known_;
};

std::vector<std::string> names_in(const std::optional<JsonValue>& value) {
  std::vector<std::string> names;
  if (!value) return names;
  if (value->is(JsonValue::Type::kString)) return {value->text()};
  if (!value->is(JsonValue::Type::kArray)) return names;
  for (const JsonValue child : *value)
    if (child.is(JsonValue::Type::kString)) names.push_back(child.text());
  return names;
}

}  // namespace

// What one row is.
struct PromptSet::Found {
  SourceLine where;
  std::string reason;  // not empty: it is dropped
  Prompt prompt;
};

namespace {

// The questions of a row, its text, its ids.
class PromptReader {
 public:
  PromptReader(const Tokenizer& tokenizer, const ChatTemplate& chat_template, const PromptOptions& options)
      : tokenizer_(tokenizer), template_(chat_template), options_(options) {}

  // The reason why not; empty where `prompt` has ids and what the row says of truths.
  std::string read(const JsonValue& row, Prompt& prompt) const {
    Conversation conversation;
    if (!read_listed_messages(row, TurnParts::kExtra, conversation)) return "no_prompt";
    std::vector<Message>& messages = conversation.messages;
    while (!messages.empty() && messages.back().role != "user") messages.pop_back();
    if (messages.empty() || messages.back().content.find_first_not_of(" \t\r\n") == std::string::npos)
      return "no_prompt";
    RenderOptions render;
    render.add_generation_prompt = true;
    render.now = options_.today;
    try {
      read_tools(row, conversation);
      read_variables(row, conversation);
    } catch (const DropRow& drop) {
      return drop.reason;
    }
    Rendered rendered;
    try {
      rendered = template_.render(conversation, options_.variables, render);
    } catch (const Error& error) {
      return "template_refused:" + shorten(error.what());
    }
    try {
      tokenizer_.encode(rendered.text, rendered.trusted, prompt.ids);
    } catch (const Error& error) {
      return "not_encodable:" + shorten(error.what());
    }
    if (static_cast<std::int64_t>(prompt.ids.size()) > options_.longest) return "too_long";
    const std::string reason = options_.has_verifiers ? read_truths(row, prompt) : "";
    if (options_.keep_messages && reason.empty()) {
      prompt.messages = std::move(messages);
      const std::optional<JsonValue> truth = row.find("ground_truth");
      prompt.ground_truth = truth_text(truth ? truth->to_json().value_or(nullptr) : Json());
    }
    return reason;
  }

 private:
  std::string read_truths(const JsonValue& row, Prompt& prompt) const {
    const std::optional<JsonValue> truth = row.find("ground_truth");
    Json value;
    if (truth) {
      std::optional<Json> whole = truth->to_json();
      if (!whole) return "no_ground_truth";
      value = std::move(*whole);
    }
    std::vector<std::string> names =
        options_.verifier.empty() ? names_in(row.find("dataset")) : std::vector{options_.verifier};
    if (names.empty()) return "no_dataset";
    if (names.size() == 1) {
      prompt.truths.push_back({std::move(names[0]), std::move(value)});
      return "";
    }
    // Told by the caller, who knows the line.
    if (!value.is_array() || value.size() != names.size()) return "lists_differ";
    for (std::size_t i = 0; i < names.size(); ++i)
      prompt.truths.push_back({std::move(names[i]), std::move(value[i])});
    return "";
  }

  const Tokenizer& tokenizer_;
  const ChatTemplate& template_;
  const PromptOptions& options_;
};

}  // namespace

PromptSet PromptSet::open(const DataOptions& options, const Tokenizer& tokenizer,
                          const ChatTemplate& chat_template, const PromptOptions& prompt_options) {
  const PromptReader reader(tokenizer, chat_template, prompt_options);
  KnownVerifiers verifiers;
  PromptSet set;
  for (const SourceOptions& source : options.sources) {
    const std::vector<std::string> files = list_files(source.path);
    const auto first_file = static_cast<std::uint32_t>(set.ledger_.files().size());
    for (const std::string& file : files) set.ledger_.add_file(file, row_word(file));
    RowWalk walk(files,
                 {.threads = static_cast<std::size_t>(options.threads), .stop = prompt_options.cancelled});
    std::vector<Found> found;
    walk.run<std::vector<Found>>(
        [&](const WalkBlock& block, JsonRow& json, std::vector<Found>& out) {
          out.clear();
          for (std::size_t i = 0; i < block.size(); ++i) {
            const WalkRow row = walk_row(block, i, json);
            if (row.blank()) continue;
            Found& one = out.emplace_back();
            one.where = {first_file + row.where.file, row.where.line};
            one.reason = row.sound() ? reader.read(row.root(), one.prompt) : std::string(row.problem);
            one.prompt.where = one.where;
          }
        },
        [&](const WalkBlock&, std::vector<Found>& out) {
          for (Found& one : out) {
            const std::string where = set.name_of(one.where);
            if (one.reason == "lists_differ")
              throw Error(Error::Kind::kData,
                          where +
                              ": dataset is a list of another length than ground_truth; each verifier "
                              "needs its own");
            for (const RewardTruth& truth : one.prompt.truths)
              if (verifiers.get(truth.verifier, where).needs_truth() && truth.ground_truth.is_null())
                one.reason = "no_ground_truth";
            found.push_back(std::move(one));
          }
        });
    set.add_source(source, source.seed.value_or(prompt_options.seed), std::move(found));
  }
  if (set.prompts_.empty())
    throw Error(Error::Kind::kData,
                "data: not one prompt is left; what became of the rows:\n" + set.ledger_.summary());
  set.ledger_.check_balance(set.size(), static_cast<std::uint64_t>(set.num_tokens()), 0);
  number_copies(set.keys_);
  return set;
}

void PromptSet::add_source(const SourceOptions& source, std::uint64_t seed, std::vector<Found> found) {
  std::vector<std::uint64_t> keys;
  for (const Found& one : found)
    if (one.reason.empty()) keys.push_back(key_of(one.prompt.ids));
  std::vector<bool> taken(keys.size(), false);
  for (const std::uint32_t place : take_rows(source, seed, keys)) taken[place] = true;
  std::size_t usable = 0;
  for (Found& one : found) {
    LedgerEntry entry;
    entry.file = one.where.file;
    entry.line = one.where.line;
    entry.reason = ledger_.add_reason(one.reason);
    if (one.reason.empty()) {
      const std::size_t place = usable++;
      entry.fate = taken[place] ? Fate::kTrained : Fate::kNotTaken;
      if (taken[place]) {
        entry.tokens = static_cast<std::uint32_t>(one.prompt.ids.size());
        entry.pieces = 1;
        prompts_.push_back(std::move(one.prompt));
        keys_.push_back(keys[place]);
      }
    }
    ledger_.add(entry);
  }
}

std::uint32_t PromptSet::at(std::uint64_t place, std::uint64_t seed, bool shuffle) const {
  const std::uint64_t epoch = place / prompts_.size(), within = place % prompts_.size();
  if (!shuffle) return static_cast<std::uint32_t>(within);
  if (epoch_ != epoch) {
    order_ = shuffled(keys_, mix(mix(seed, epoch), kOrder));
    epoch_ = epoch;
  }
  return order_[within];
}

std::int64_t PromptSet::num_tokens() const {
  std::int64_t tokens = 0;
  for (const Prompt& prompt : prompts_) tokens += static_cast<std::int64_t>(prompt.ids.size());
  return tokens;
}

std::string PromptSet::name_of(const SourceLine& where) const {
  LedgerEntry entry;
  entry.file = where.file;
  entry.line = where.line;
  return ledger_.place_of(entry);
}

}  // namespace caravan::data
