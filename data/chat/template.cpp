#include "data/chat/template.h"

#include <algorithm>
#include <utility>

#include "data/chat/jinja_input.h"
#include "data/chat/jinja_interpreter.h"
#include "data/chat/jinja_parser.h"
#include "data/chat/jinja_source.h"
#include "data/chat/left_out.h"
#include "data/chat/nearest_name.h"
#include "data/chat/turns.h"
#include "data/sha256.h"

namespace caravan::data {

using jinja::Arena;
using jinja::Interpreter;
using jinja::TextBuilder;
using jinja::Value;

namespace {

constexpr std::size_t kLongestSource = 4u << 20;

// What a render is given, by name; the first that has a name wins.
struct Inputs {
  const Json* variables = nullptr;             // of the caller: token variables are trusted
  const Conversation* conversation = nullptr;  // null: messages are among the variables
  const RenderOptions* options = nullptr;
  std::size_t num_messages = SIZE_MAX;  // of the conversation: only the first so many
  std::optional<bool> prompt;           // overrides add_generation_prompt

  const Json* own_messages() const {
    const Json* found = find(variables, "messages");
    return conversation == nullptr ? found : nullptr;
  }

  static const Json* find(const Json* object, const std::string& name) {
    if (object == nullptr || !object->is_object()) return nullptr;
    auto found = object->find(name);
    return found == object->end() ? nullptr : &*found;
  }

  bool wants_prompt() const {
    if (prompt) return *prompt;
    if (options->add_generation_prompt) return *options->add_generation_prompt;
    const Json* said = find(variables, jinja::kPromptVariable);
    if (said == nullptr && conversation != nullptr)
      said = find(&conversation->variables, jinja::kPromptVariable);
    if (said == nullptr || said->is_null()) return false;
    if (!said->is_boolean()) {
      throw Error(Error::Kind::kData, std::string("add_generation_prompt: found ") +
                                          said->dump(-1, ' ', true, Json::error_handler_t::replace) +
                                          ", allowed are true and false");
    }
    return said->get<bool>();
  }

  Value messages(Arena& arena) const {
    Value all = conversation != nullptr ? jinja::messages_from_conversation(arena, *conversation)
                                        : jinja::messages_from_json(arena, *own_messages());
    if (all.is(jinja::Kind::kList))
      all.list->size = static_cast<std::uint32_t>(std::min<std::size_t>(all.list->size, num_messages));
    return all;
  }

  static jinja::Origin origin_of_variable(const std::string& name) {
    if (name == "tools") return jinja::kToolsOrigin;
    return jinja::is_token_variable(name) ? jinja::kTemplateOrigin : jinja::kVariableOrigin;
  }

  // Missing where nobody gives the name.
  Value value_of(Arena& arena, const std::string& name) const {
    if (name == jinja::kPromptVariable) return jinja::make_bool(wants_prompt());
    if (name == "messages" && (conversation != nullptr || own_messages() != nullptr)) return messages(arena);
    if (const Json* found = find(variables, name)) {
      return jinja::from_json(arena, *found, origin_of_variable(name));
    }
    if (conversation == nullptr) return jinja::make_missing();
    if (name == "tools" && !conversation->tools.is_null())
      return jinja::from_json(arena, conversation->tools, jinja::kToolsOrigin);
    const Json* found = find(&conversation->variables, name);
    return found != nullptr ? jinja::from_json(arena, *found, jinja::kVariableOrigin) : jinja::make_missing();
  }

  std::vector<char> assistants() const {
    std::vector<char> flags;
    if (conversation != nullptr) {
      for (const Message& message : conversation->messages) flags.push_back(message.role == "assistant");
    } else if (const Json* messages = own_messages(); messages != nullptr && messages->is_array()) {
      for (const Json& message : *messages) {
        const Json* role = find(&message, "role");
        flags.push_back(role != nullptr && role->is_string() &&
                        role->get_ref<const std::string&>() == "assistant");
      }
    }
    return flags;
  }

  // The tool calls of each message; empty where no message has any.
  std::vector<const Json*> tool_calls() const {
    std::vector<const Json*> calls;
    const auto add = [&calls](const Json* extra, std::size_t size) {
      const Json* found = find(extra, "tool_calls");
      const bool any = found != nullptr && found->is_array() && !found->empty();
      if (!any) return;
      calls.resize(size, nullptr);
      calls.back() = found;
    };
    std::size_t size = 0;
    if (conversation != nullptr) {
      for (const Message& message : conversation->messages) add(&message.extra, ++size);
    } else if (const Json* messages = own_messages(); messages != nullptr && messages->is_array()) {
      for (const Json& message : *messages) add(&message, ++size);
    }
    return calls;
  }

  bool has_tools() const {
    const Json* tools = find(variables, "tools");
    if (tools == nullptr && conversation != nullptr) tools = &conversation->tools;
    return tools != nullptr && tools->is_array() && !tools->empty();
  }

  std::string_view eos_token() const {
    const Json* eos = find(variables, "eos_token");
    return eos != nullptr && eos->is_string() ? std::string_view(eos->get_ref<const std::string&>())
                                              : std::string_view();
  }
};

bool is_free_of_content(const TextBuilder& output, std::size_t begin) {
  std::size_t at = 0;
  for (const jinja::Run& run : output.runs()) {
    at += run.size;
    if (at > begin && run.size != 0 && jinja::is_content(run.origin)) return false;
  }
  return true;
}

}  // namespace

struct ChatTemplate::Program {
  jinja::Source code;
  std::string source;
  std::unique_ptr<jinja::Tree> tree;

  // One run of the template. Throws PlacedFault.
  std::vector<jinja::PromptRecord> run(const Inputs& inputs, TextBuilder& output) const {
    Arena arena(inputs.options->limits.memory_bytes);
    const Date* now = inputs.options->now ? &*inputs.options->now : nullptr;
    Interpreter interpreter(*tree, arena, output, inputs.options->limits, now);
    try {
      for (std::size_t i = 0; i < tree->variables.size(); ++i) {
        Value value = inputs.value_of(arena, tree->variables[i]);
        if (!value.is(jinja::Kind::kMissing)) interpreter.set_variable(i, value);
      }
    } catch (const jinja::Fault& fault) {
      throw jinja::PlacedFault(0, fault.what(), fault.advice());
    }
    interpreter.run();
    return interpreter.prompts();
  }

  struct Prompt {
    std::optional<std::string> text;
    std::size_t begin = std::string_view::npos;
  };

  // The generation prompt of a finished run, if the run tells.
  Prompt prompt_of(const Inputs& inputs, const TextBuilder& output,
                   const std::vector<jinja::PromptRecord>& records) const {
    std::string_view text = output.text();
    if (!records.empty() && !records.back().text.empty()) {
      const jinja::PromptRecord& last = records.back();
      if (!is_free_of_content(output, last.end)) return {};
      return {last.text + std::string(text.substr(last.end)),
              inputs.wants_prompt() ? last.begin : std::string_view::npos};
    }
    // A template that never asks writes the same in either case: what stands behind the last message is the
    // prompt.
    if (tree->mentions_prompt && !(inputs.wants_prompt())) return {};
    std::size_t end = end_of_last_segment(output.runs());
    if (!is_free_of_content(output, end)) return {};
    std::string_view rest = text.substr(end);
    bool is_eos = !inputs.eos_token().empty() && rest.starts_with(inputs.eos_token());
    if (is_eos) return {std::string(), std::string_view::npos};
    return {std::string(rest), rest.empty() ? std::string_view::npos : end};
  }

  // Asks the template again, with the conversation cut before its last answer: for the few that only write a
  // prompt where the last message is a user's.
  std::optional<std::string> ask_for_prompt(Inputs inputs, std::span<const char> assistants) const {
    for (std::size_t i = assistants.size(); i > 1; --i) {
      if (assistants[i - 1] == 0) continue;
      inputs.num_messages = i - 1;
      inputs.prompt = true;
      TextBuilder output;
      try {
        std::vector<jinja::PromptRecord> records = run(inputs, output);
        return prompt_of(inputs, output, records).text;
      } catch (const jinja::Fault&) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  Rendered render(const Inputs& inputs) const {
    TextBuilder output;
    std::vector<jinja::PromptRecord> records;
    try {
      records = run(inputs, output);
    } catch (const jinja::PlacedFault& fault) {
      throw code.error_at(fault.position(), fault.what(), fault.advice());
    }
    std::vector<char> assistants = inputs.assistants();
    Prompt prompt = prompt_of(inputs, output, records);
    bool any = std::find(assistants.begin(), assistants.end(), 1) != assistants.end();
    if (any && !prompt.text && !tree->has_generation) prompt.text = ask_for_prompt(inputs, assistants);
    Rendered rendered;
    rendered.ends_with_assistant = !assistants.empty() && assistants.back() != 0;
    TurnInput turns{output.text(), output.runs(),      assistants,          prompt.text,
                    prompt.begin,  inputs.eos_token(), tree->has_generation};
    find_turns(turns, rendered);
    find_left_out({output.text(), output.runs(), inputs.tool_calls(), inputs.has_tools()}, rendered);
    rendered.text = output.take_text();
    return rendered;
  }
};

ChatTemplate::ChatTemplate(std::string source, std::string name) {
  if (source.size() > kLongestSource) {
    throw Error(Error::Kind::kData, name + ": a chat template of " + std::to_string(source.size()) +
                                        " bytes; at most " + std::to_string(kLongestSource) +
                                        " are allowed; check that the file is a template");
  }
  program_ =
      std::make_unique<Program>(Program{jinja::Source(source, std::move(name)), std::move(source), nullptr});
  program_->tree = jinja::parse_template(program_->code);
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;

std::vector<std::string> ChatTemplate::variables() const {
  std::vector<std::string> names;
  const jinja::Tree& tree = *program_->tree;
  for (std::size_t i = 0; i < tree.variables.size(); ++i)
    if (tree.globals[i].is(jinja::Kind::kMissing) && tree.is_mentioned[i] != 0)
      names.push_back(tree.variables[i]);
  return names;
}

const std::string& ChatTemplate::source() const {
  return program_->source;
}
const std::string& ChatTemplate::name() const {
  return program_->code.name();
}
std::string ChatTemplate::fingerprint() const {
  return sha256_hex(program_->source);
}

Rendered ChatTemplate::render(const Json& variables, const RenderOptions& options) const {
  Inputs inputs;
  inputs.variables = &variables;
  inputs.options = &options;
  return program_->render(inputs);
}

Rendered ChatTemplate::render(const Conversation& conversation, const Json& variables,
                              const RenderOptions& options) const {
  Inputs inputs;
  inputs.variables = &variables;
  inputs.conversation = &conversation;
  inputs.options = &options;
  return program_->render(inputs);
}

TrainOn train_on_from_name(std::string_view name) {
  const auto names = choice_names(TrainOn{});
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<TrainOn>(i);
  }
  std::vector<std::string> known(names.begin(), names.end());
  throw Error(Error::Kind::kUsage,
              "train_on: found '" + std::string(name) + "'; " + nearest_name_advice(name, known));
}

std::vector<ByteRange> Rendered::spans(TrainOn policy) const {
  if (policy == TrainOn::kAll) return {{0, text.size()}};
  if (!unlocated.empty()) {
    throw Error(Error::Kind::kData, "assistant turns are not known: " + unlocated +
                                        "; give the template {% generation %} blocks, or train on all");
  }
  std::vector<ByteRange> result;
  if (turns.empty()) return result;
  if (policy == TrainOn::kCompletion) {
    if (ends_with_assistant) result.push_back({turns.back().text.begin, text.size()});
    return result;
  }
  std::size_t first = policy == TrainOn::kLastAssistant ? turns.size() - 1 : 0;
  for (std::size_t i = first; i < turns.size(); ++i)
    result.push_back({turns[i].text.begin, turns[i].marker_end});
  return result;
}

}  // namespace caravan::data
