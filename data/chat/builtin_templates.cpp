#include "data/chat/builtin_templates.h"

#include <array>

#include "data/chat/nearest_name.h"
#include "data/error.h"

namespace caravan::data {

namespace {

// Renders as open-instruct's tulu template does: role lines, eos after an answer, a line end after all but
// the last.
constexpr std::string_view kTulu = R"jinja({%- for message in messages -%}
  {%- if message['role'] in ['system', 'user'] -%}
    {{ '<|' + message['role'] + '|>\n' + message['content'] + '\n' }}
  {%- elif message['role'] == 'assistant' -%}
    {{ '<|assistant|>\n' + message['content'] + eos_token }}
    {%- if not loop.last -%}
      {{ '\n' }}
    {%- endif -%}
  {%- endif -%}
  {%- if loop.last and add_generation_prompt -%}
    {{ '<|assistant|>\n' }}
  {%- endif -%}
{%- endfor -%}
)jinja";

constexpr std::string_view kLlama3 = R"jinja({%- if tools -%}
  {{ raise_exception("the built-in template llama3 has no form for tools: use the checkpoint's own template") }}
{%- endif -%}
{{ bos_token }}
{%- for message in messages -%}
  {%- if message['role'] not in ['system', 'user', 'assistant'] or message['tool_calls'] -%}
    {{ raise_exception('the built-in template llama3 knows system, user and assistant messages without tool calls') }}
  {%- endif -%}
  {{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}
{%- endif -%}
)jinja";

constexpr std::string_view kChatml = R"jinja({%- if tools -%}
  {{ raise_exception("the built-in template chatml has no form for tools: use the checkpoint's own template") }}
{%- endif -%}
{%- for message in messages -%}
  {%- if message['role'] not in ['system', 'user', 'assistant'] or message['tool_calls'] -%}
    {{ raise_exception('the built-in template chatml knows system, user and assistant messages without tool calls') }}
  {%- endif -%}
  {{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '<|im_start|>assistant\n' }}
{%- endif -%}
)jinja";

// The system message has no brackets of its own: it opens the first user message.
constexpr std::string_view kMistral = R"jinja({%- if tools -%}
  {{ raise_exception("the built-in template mistral has no form for tools: use the checkpoint's own template") }}
{%- endif -%}
{%- set state = namespace(system='', turns=0) -%}
{{ bos_token }}
{%- for message in messages -%}
  {%- if message['role'] == 'system' and loop.first -%}
    {%- set state.system = message['content'] + '\n\n' -%}
  {%- elif message['role'] == 'user' and state.turns % 2 == 0 -%}
    {{ '[INST]' + (state.system if state.turns == 0 else '') + message['content'] + '[/INST]' }}
    {%- set state.turns = state.turns + 1 -%}
  {%- elif message['role'] == 'assistant' and state.turns % 2 == 1 and not message['tool_calls'] -%}
    {{ message['content'] + eos_token }}
    {%- set state.turns = state.turns + 1 -%}
  {%- else -%}
    {{ raise_exception('the built-in template mistral wants an optional system message, then user and assistant in turn, without tool calls') }}
  {%- endif -%}
{%- endfor -%}
)jinja";

constexpr std::string_view kZephyr = R"jinja({%- if tools -%}
  {{ raise_exception("the built-in template zephyr has no form for tools: use the checkpoint's own template") }}
{%- endif -%}
{%- for message in messages -%}
  {%- if message['role'] not in ['system', 'user', 'assistant'] or message['tool_calls'] -%}
    {{ raise_exception('the built-in template zephyr knows system, user and assistant messages without tool calls') }}
  {%- endif -%}
  {{ '<|' + message['role'] + '|>\n' + message['content'] + eos_token + '\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '<|assistant|>\n' }}
{%- endif -%}
)jinja";

// For models whose vocabulary has no special tokens but bos and eos.
constexpr std::string_view kPlain = R"jinja({%- if tools -%}
  {{ raise_exception("the built-in template plain has no form for tools: use the checkpoint's own template") }}
{%- endif -%}
{%- set names = {'system': 'System', 'user': 'User', 'assistant': 'Assistant'} -%}
{{ bos_token }}
{%- for message in messages -%}
  {%- if message['role'] not in names or message['tool_calls'] -%}
    {{ raise_exception('the built-in template plain knows system, user and assistant messages without tool calls') }}
  {%- endif -%}
  {{ names[message['role']] + ':\n' + message['content'] + (eos_token if message['role'] == 'assistant' else '') + '\n\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ 'Assistant:\n' }}
{%- endif -%}
)jinja";

constexpr std::array<BuiltinTemplate, 6> kTemplates = {{
    {"tulu", "<|user|>, line, text; <|assistant|>, line, text, eos", kTulu},
    {"llama3", "<|start_header_id|>role<|end_header_id|>, two lines, trimmed text, <|eot_id|>", kLlama3},
    {"chatml", "<|im_start|>role, line, text, <|im_end|>", kChatml},
    {"mistral", "[INST]text[/INST]answer, eos; the system message opens the first user message", kMistral},
    {"zephyr", "<|role|>, line, text, eos", kZephyr},
    {"plain", "User:, line, text; Assistant:, line, text, eos; no special tokens but bos and eos", kPlain},
}};

}  // namespace

std::span<const BuiltinTemplate> builtin_templates() {
  return kTemplates;
}

const BuiltinTemplate* find_builtin_template(std::string_view name) {
  for (const BuiltinTemplate& builtin : kTemplates) {
    if (builtin.name == name) return &builtin;
  }
  return nullptr;
}

ChatTemplate make_builtin_template(std::string_view name) {
  if (const BuiltinTemplate* found = find_builtin_template(name)) {
    return ChatTemplate(std::string(found->source), "built-in template " + std::string(name));
  }
  std::vector<std::string> known;
  for (const BuiltinTemplate& builtin : kTemplates) known.emplace_back(builtin.name);
  throw Error(Error::Kind::kUsage, "chat_template: no built-in template is named '" + std::string(name) +
                                       "'; " + nearest_name_advice(name, known));
}

}  // namespace caravan::data
