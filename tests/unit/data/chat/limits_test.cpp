// Hostile templates and values end with an error, in bounded time, depth and memory.
#include <gtest/gtest.h>

#include <random>

#include "data/chat/builtin_templates.h"
#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::Json;

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

void expect_refused(const std::string& source, const std::string& part, data::RenderLimits limits = {}) {
  data::RenderOptions options = on_reference_day();
  options.limits = limits;
  try {
    data::ChatTemplate(source, "t").render(Json::object(), options);
    ADD_FAILURE() << "not refused: " << source.substr(0, 80);
  } catch (const data::Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Limits, Nesting) {
  expect_refused("{{ " + repeated("(", 100'000) + "1" + repeated(")", 100'000) + " }}", "deep");
  expect_refused("{{ " + repeated("[", 100'000) + repeated("]", 100'000) + " }}", "deep");
  expect_refused("{{ " + repeated("not ", 100'000) + "1 }}", "deep");
  expect_refused("{{ " + repeated("-", 100'000) + "1 }}", "deep");
  expect_refused("{{ 1" + repeated(" - 1", 100'000) + " }}", "levels");
  expect_refused("{{ x" + repeated(".a", 100'000) + " }}", "levels");
  expect_refused("{{ 1" + repeated(" | abs", 100'000) + " }}", "levels");
  expect_refused(repeated("{% if 1 %}", 100'000), "deep");
  expect_refused("{% set " + repeated("(", 100'000) + "x" + repeated(")", 100'000) + " = 1 %}", "deep");
  EXPECT_EQ(render_or_error("{{ 1" + repeated(" + 1", 10'000) + " }}", Json::object()), "10001");
  EXPECT_EQ(render_or_error("{{ 'a'" + repeated(" ~ 'a'", 5'000) + " }}", Json::object()).size(), 5'001u);
}

TEST(Limits, Recursion) {
  expect_refused("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "itself");
  expect_refused("{% macro f(x) %}{{ f([x]) }}{% endmacro %}{{ f(1) }}", "itself");
  expect_refused(
      "{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
      "nested too deep");
  expect_refused(
      "{% set ns = namespace(x=[], y=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% set ns.y = "
      "[ns.y] %}"
      "{% endfor %}{{ ns.x == ns.y }}",
      "nested too deep");
}

TEST(Limits, Work) {
  expect_refused("{{ range(10 ** 12) | list }}", "range()");
  expect_refused("{{ 'x' * 10 ** 12 }}", "4 GiB");
  expect_refused("{{ 'x' * 10 ** 9 }}", "steps");
  expect_refused("{{ [0] * 10 ** 9 }}", "steps");
  expect_refused("{{ 10 ** 100 }}", "64 bits");
  expect_refused("{{ 'x'.ljust(10 ** 12) }}", "steps");
  expect_refused("{{ 'x' | indent(10 ** 15) }}", "steps");
  expect_refused("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "steps");
  expect_refused(
      "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "steps");
  expect_refused(
      "{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s.replace('x', 'xx') %}{% "
      "endfor %}",
      "steps");
}

// Ways out of Python's engine and its sandbox, and of its memory. Nothing here is an object of a language.
TEST(Limits, WaysOutOfPythonLeadNowhere) {
  for (const char* source : {"{{ ''.__class__.__mro__[1].__subclasses__() }}",
                             "{{ messages.__init__.__globals__ }}",
                             "{{ (''|attr('__class__')).__mro__ }}",
                             "{{ cycler.__init__.__globals__ }}",
                             "{{ self.__dict__ }}",
                             "{{ open('/etc/passwd').read() }}",
                             "{{ config.items() }}",
                             "{{ lipsum.__globals__ }}",
                             "{% include '/etc/passwd' %}",
                             "{% import '/etc/passwd' as x %}",
                             "{% extends '../../etc/passwd' %}",
                             "{{ range(1000000000)|list }}",
                             "{{ 'a' * 1000000000 }}",
                             "{{ [1] * 1000000000 }}",
                             "{{ 'a'.center(1000000000) }}",
                             "{{ 'a'|center(1000000000) }}",
                             "{{ 'aaaa'.zfill(1000000000) }}",
                             "{{ 'x\ny'|indent(1000000000) }}",
                             "{{ '%1000000000d' % 1 }}",
                             "{{ '{:>1000000000}'.format(1) }}",
                             "{{ 9**9**9**9 }}",
                             "{{ ('9' * 100000)|int }}",
                             "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
                             "{{ 'a'|truncate(5, end='x' * 1000000000) }}",
                             "{{ raise_exception('x' * 1000000000) }}"}) {
    data::RenderOptions options = on_reference_day();
    EXPECT_THROW(data::ChatTemplate(source, "t").render(Json{{"messages", Json::array()}}, options),
                 data::Error)
        << source;
  }
}

TEST(Limits, AreTheCallers) {
  expect_refused("{% for i in range(1000) %}x{% endfor %}", "steps", {.steps = 500});
  expect_refused("{% for i in range(3) %}" + std::string(1 << 20, 'x') + "{% endfor %}", "text",
                 {.output_bytes = 2u << 20});
  expect_refused("{% for i in range(50) %}{% set x = 'x' * 100000 %}{% endfor %}", "memory",
                 {.memory_bytes = 1u << 20});
}

TEST(Limits, DeepVariables) {
  Json deep = 1;
  for (int i = 0; i < 5'000; ++i) {
    Json list = Json::array();
    list.push_back(std::move(deep));
    deep = std::move(list);
  }
  Json variables = {{"x", std::move(deep)}};
  EXPECT_NE(render_or_error("{{ x | tojson }}", variables).find("nested"), std::string::npos);
}

// Templates with random damage either render or are refused; nothing else may happen.
TEST(Limits, DamagedTemplatesNeverCrash) {
  std::mt19937 random(20250710);
  auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  constexpr const char* kPieces[] = {"{%",       "%}",         "{{",
                                     "}}",       "{#",         "#}",
                                     "-",        "(",          ")",
                                     "[",        "]",          "|",
                                     "'",        "\"",         " if ",
                                     " else ",   " for ",      " in ",
                                     "loop.",    "[::-1]",     "| tojson",
                                     ".split('", " is ",       "not ",
                                     "\\",       "\xff",       "99999999999999999999",
                                     " * 9",     "namespace(", "**",
                                     "messages"};
  Json variables = {
      {"messages",
       {{{"role", "user"}, {"content", "hi\xc3\xa9"}}, {{"role", "assistant"}, {"content", "yo"}}}},
      {"add_generation_prompt", false},
      {"bos_token", "<s>"},
      {"eos_token", "</s>"}};
  std::vector<std::string> seeds;
  for (const data::BuiltinTemplate& builtin : data::builtin_templates()) seeds.emplace_back(builtin.source);
  if (!shared_data().empty()) {
    for (const auto& file :
         std::filesystem::directory_iterator(shared_data() / "conf-chat-templates/templates")) {
      seeds.push_back(read_text(file.path()));
    }
  }
  int rendered = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::string source = seeds[static_cast<std::size_t>(round) % seeds.size()];
    for (std::size_t change = below(4); change + 1 > 0; --change) {
      std::size_t at = below(source.size());
      std::size_t length = std::min(below(30), source.size() - at);
      std::string piece = kPieces[below(std::size(kPieces))];
      source.replace(at, below(2) == 0 ? 0 : length,
                     below(2) == 0 ? piece : source.substr(below(source.size()), length));
      if (change == 0) break;
    }
    rendered += render_or_error(source, variables).starts_with("error: ") ? 0 : 1;
  }
  EXPECT_GT(rendered, 100);
  EXPECT_LT(rendered, 2'900);
}

}  // namespace
}  // namespace caravan::tests
