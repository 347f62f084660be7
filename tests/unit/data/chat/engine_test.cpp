// The language: what the reference files do not ask.
#include <gtest/gtest.h>

#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::Json;

struct Case {
  const char* source;
  const char* expected;
};

void expect_all(std::initializer_list<Case> cases, const Json& variables = Json::object()) {
  for (const Case& c : cases) EXPECT_EQ(render_or_error(c.source, variables), c.expected) << c.source;
}

void expect_error(const std::string& source, const std::string& part,
                  const Json& variables = Json::object()) {
  std::string got = render_or_error(source, variables);
  EXPECT_TRUE(got.starts_with("error: ")) << source << " gave " << got;
  EXPECT_NE(got.find(part), std::string::npos) << got;
}

// Expected values of this file were taken from jinja2 3.1 with trim_blocks, lstrip_blocks and loop controls.
TEST(Engine, ScopesFollowJinja) {
  expect_all({
      {"{% set x = 1 %}{% for i in [1,2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "231"},
      {"{% macro m() %}{{ x is defined }}{% endmacro %}{% for x in [1] %}{{ m() }}{% endfor %}", "False"},
      {"{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}", "2"},
      {"{% if false %}{% set a = 1 %}{% endif %}{{ a is defined }}", "False"},
      {"{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}", "3False"},
      {"{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "321"},
      {"{% for a in [1,2] %}{% for b in [3,4] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}",
       "121122"},
      {"{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}", "1113"},
      {"{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, k=2) }}", "(1,){'k': 2}"},
  });
}

TEST(Engine, WhiteSpaceControl) {
  expect_all({
      {"a\n  {% if true %}\n  b\n  {% endif %}\nc", "a\n  b\nc"},
      {"a\n  {%+ if true %}b{% endif %}", "a\n  b"},
      {"a {#- x -#} b", "ab"},
      {"{% raw %}{{ x }}{% endraw %}", "{{ x }}"},
      {"{% raw -%}  {{ x }}  {%- endraw %}|", "{{ x }}|"},
      {"a\r\nb\r", "a\nb"},
      {"x\n\n", "x\n"},
      {"{{ 1 }}\n{{ 2 }}\n", "1\n2"},
  });
}

TEST(Engine, PythonPrinting) {
  expect_all({
      {"{{ [1, 2.0, 'a', none, true, {'k': (1,)}] }}", "[1, 2.0, 'a', None, True, {'k': (1,)}]"},
      {"{{ [\"it's\", 'say \"x\"', '\\n\\t\\\\', 'é', '\\u200b'] }}",
       "[\"it's\", 'say \"x\"', '\\n\\t\\\\', 'é', '\\u200b']"},
      {"{{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1/3 }} {{ 1e300 * 1e10 }}",
       "1e+16 1000000000000000.0 0.0001 1e-05 0.3333333333333333 inf"},
      {"{{ 7 // -2 }} {{ 7 % -2 }} {{ -7 % 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }}",
       "-4 -1 1 1024 0.5 64"},
      {"{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.345 | round(2) }} {{ 7 | round }} {{ 2.1 | round(0, 'ceil') "
       "}}",
       "2.0 4.0 2.35 7 3.0"},
      {"{{ range(3) }} {{ range(3) | list }}", "range(0, 3) [0, 1, 2]"},
      {"{{ 'ß' | upper }} {{ 'ΑΣ' | lower }} {{ 'éa-b c' | title }} {{ \"they're\".title() }}",
       "SS ας Éa-B C They'Re"},
  });
}

TEST(Engine, TextMethods) {
  expect_all({
      {"{{ 'a,b,,c'.split(',') }}{{ 'a b  c'.rsplit(none, 1) }}{{ 'a,b,c'.rsplit(',', 1) }}",
       "['a', 'b', '', 'c']['a b', 'c']['a,b', 'c']"},
      {"{{ 'xxaxx'.strip('x') }}{{ '\\u3000a\\u00a0'.strip() }}{{ 'abc'.removeprefix('a') }}", "aabc"},
      {"{{ 'a-b-c'.partition('-') }}{{ 'a-b-c'.rpartition('-') }}", "('a', '-', 'b-c')('a-b', '-', 'c')"},
      {"{{ 'aé한🤗'[1:3] }}{{ 'aé한🤗'[::-1] }}{{ 'aé한🤗' | length }}{{ 'aé한🤗'[-1] }}",
       "é한🤗한éa4🤗"},
      {"{{ 'x'.startswith(('a', 'x')) }}{{ 'abc'.find('c') }}{{ 'aXb'.swapcase() }}{{ 'banana'.count('an') "
       "}}",
       "True2AxB2"},
      {"{{ '{} {name}'.format(1, name='n') }}{{ '7'.zfill(3) }}{{ 'ab'.center(5, '*') }}", "1 n007**ab*"},
      {"{{ 'a\\nb\\r\\nc'.splitlines() }}{{ '-'.join(['a', 'b']) }}", "['a', 'b', 'c']a-b"},
  });
  expect_error("{{ 'a'.join([1]) }}", "join() needs texts");
}

TEST(Engine, Filters) {
  expect_all({
      {"{{ {'b': 1, 'a': '<é\\n'} | tojson }}", "{\"b\": 1, \"a\": \"<é\\n\"}"},
      {"{{ [1, {'a': []}, {}] | tojson(indent=2) }}", "[\n  1,\n  {\n    \"a\": []\n  },\n  {}\n]"},
      {"{{ [1.0, 1e20, true, none] | tojson }}", "[1.0, 1e+20, true, null]"},
      {"{{ [3, 1, 2] | sort | first }}{{ 'b,a' | list | sort | join }}{{ [1, 2, 3] | sum }}{{ [1, 3] | max "
       "}}",
       "1,ab63"},
      {"{{ ['a', 'A', 'b'] | unique | list }}{{ [1, 2, 3] | reverse | list }}{{ [1, 2, 3] | batch(2) | list "
       "}}",
       "['a', 'b'][3, 2, 1][[1, 2], [3]]"},
      {"{{ [{'g': 1, 'v': 'x'}, {'g': 0, 'v': 'y'}] | groupby('g') | map('first') | list }}", "[0, 1]"},
      {"{{ ['a', ''] | select | list }}{{ [1, 2, 3] | reject('odd') | list }}{{ ['x'] | map('upper') | join "
       "}}",
       "['a'][2]X"},
      {"{{ ('<' | safe) + '<' }}{{ '<' | e }}", "<&lt;&lt;"},
      {"{{ 'one two three' | truncate(8, false, '...', 0) }}|{{ 'a b' | wordcount }}", "one...|2"},
      {"{{ none | default('x') }}{{ none | default('x', true) }}{{ nothing | d('y') }}", "Nonexy"},
  });
  expect_error("{{ x | tojosn }}", "did you mean 'tojson'");
  expect_error("{{ x is strign }}", "did you mean 'string'");
  expect_error("{{ ([1] | map('string')) | length }}", "| list");
  expect_error("{{ [1] | map('string') | tojson }}", "not JSON serializable");
}

TEST(Engine, UndefinedValues) {
  expect_all(
      {
          {"{{ x }}{{ x is defined }}{{ x == y }}{% for i in x %}1{% else %}0{% endfor %}{{ x | length }}",
           "FalseTrue00"},
          {"{{ d.x is defined }}{{ d['x'] is undefined }}{{ d.get('x') }}", "FalseTrueNone"},
      },
      {{"d", Json::object()}});
  expect_error("{{ x.y }}", "'x' is undefined");
  expect_error("{{ d.x.y }}", "'dict object' has no attribute 'x'", {{"d", Json::object()}});
  expect_error("{{ 'a' + x }}", "'x' is undefined");
  expect_error("{{ 'a' + 1 }}", "'str' and 'int'");
}

TEST(Engine, CyclersAndJoiners) {
  expect_all({
      {"{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}", "aba"},
      {"{% set j = joiner('|') %}{% for i in [1, 2, 3] %}{{ j() }}{{ i }}{% endfor %}", "1|2|3"},
      {"{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{{ loop.cycle('x', 'y') }} {% endfor %}",
       "Truex Falsey Truex "},
  });
}

TEST(Engine, DatesComeFromTheCaller) {
  EXPECT_EQ(render_or_error("{{ strftime_now('%d %b %Y %A %j %-d') }}", Json::object()),
            "10 Jul 2025 Thursday 191 10");
  data::ChatTemplate chat_template("{{ strftime_now('%Y') }}", "t");
  EXPECT_THROW(chat_template.render(Json::object()), data::Error);
  EXPECT_THROW(data::parse_date("2025-02-29"), data::Error);
  EXPECT_EQ(data::parse_date("2024-02-29").day, 29);
}

TEST(Engine, ErrorsShowThePlace) {
  EXPECT_EQ(render_or_error("a\n{{ 1 + }}", Json::object()),
            "error: template:2:8: expected an expression, found '}}'\n  {{ 1 + }}\n         ^");
  std::string error =
      render_or_error("ab\n  {{ messages[0].content + 1 }}", {{"messages", {{{"content", "x"}}}}});
  EXPECT_TRUE(error.starts_with("error: template:2:")) << error;
  expect_error("{% include 'x' %}", "stands alone");
  expect_error("{% fro x in y %}{% endfor %}", "did you mean 'for'");
  expect_error("{% for x in y %}", "{% endfor %}");
  expect_error("{{ 'a }}", "no closing quote");
  expect_error("{{ (1 }}", "expected ')'");
  expect_error("{% break %}", "outside of a for loop");
  expect_error("{{ raise_exception('No ' ~ 1) }}", "No 1");
}

}  // namespace
}  // namespace caravan::tests
