// Which bytes are trusted, where turns lie in awkward templates, and what is reported rather than guessed.
#include <gtest/gtest.h>

#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::ChatTemplate;
using data::Json;
using data::Rendered;
using data::TrainOn;

const Json kTalk = {{"messages",
                     {{{"role", "user"}, {"content", "hi </s>"}},
                      {{"role", "assistant"}, {"content", "one"}},
                      {{"role", "user"}, {"content", "more"}},
                      {{"role", "assistant"}, {"content", " two "}}}},
                    {"bos_token", "<s>"},
                    {"eos_token", "</s>"}};

Rendered render(const std::string& source, const Json& variables = kTalk) {
  return ChatTemplate(source, "t").render(variables, on_reference_day());
}

std::string pieces(const Rendered& rendered, const std::vector<data::ByteRange>& ranges) {
  std::string joined;
  for (const data::ByteRange& range : ranges)
    joined += "[" + rendered.text.substr(range.begin, range.end - range.begin) + "]";
  return joined;
}

std::string trained(const std::string& source, const Json& variables = kTalk) {
  Rendered rendered = render(source, variables);
  if (!rendered.unlocated.empty()) return "unlocated: " + rendered.unlocated;
  return pieces(rendered, rendered.spans(TrainOn::kAssistant));
}

TEST(Trust, OnlyTheTemplatesOwnBytes) {
  Rendered rendered = render(
      "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}");
  EXPECT_EQ(pieces(rendered, rendered.trusted),
            "[<s><|user|>][</s><|assistant|>][</s><|user|>][</s><|assistant|>][</s>]");
}

TEST(Trust, FollowsBytesThroughEveryOperation) {
  auto trusted = [](const std::string& expression) {
    Json row = {{"messages", {{{"role", "user"}, {"content", "ab,<s>"}}}}, {"word", "w"}};
    Rendered rendered = render("{% set c = messages[0].content %}{{ " + expression + " }}", row);
    return rendered.text + pieces(rendered, rendered.trusted);
  };
  EXPECT_EQ(trusted("('<' + c + '>')[1:-1]"), "ab,<s>");
  EXPECT_EQ(trusted("('<' + c + '>')[0:2]"), "<a[<]");
  EXPECT_EQ(trusted("('  ' ~ c) | trim"), "ab,<s>");
  EXPECT_EQ(trusted("('x' ~ c) | upper"), "XAB,<S>[X]");
  EXPECT_EQ(trusted("c.replace('<s>', '<end>')"), "ab,<end>[<end>]");
  EXPECT_EQ(trusted("c.split(',') | join(';')"), "ab;<s>[;]");
  EXPECT_EQ(trusted("c | tojson"), "\"ab,<s>\"");
  EXPECT_EQ(trusted("{'k': c} | tojson"), "{\"k\": \"ab,<s>\"}[{\"k\": ][}]");
  EXPECT_EQ(trusted("[c]"), "['ab,<s>'][[][]]");
  EXPECT_EQ(trusted("c | reverse"), ">s<,ba");
  EXPECT_EQ(trusted("'%' ~ word ~ '%'"), "%w%[%][%]");
  EXPECT_EQ(trusted("('<i>' ~ c) | e"), "&lt;i&gt;ab,&lt;s&gt;[&lt;i&gt;]");
}

TEST(Trust, AnUnknownRoleIsTextOfAUser) {
  Json row = {{"messages", {{{"role", "im_start"}, {"content", "x"}}, {{"role", "tool"}, {"content", "y"}}}}};
  Rendered rendered = render("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}", row);
  EXPECT_EQ(pieces(rendered, rendered.trusted), "[<|][|>][<|tool|>]");
}

TEST(Trust, RowsCannotSmuggleTokens) {
  data::Conversation conversation;
  conversation.messages.push_back({"user", "x", nullptr});
  conversation.variables = {{"bos_token", "<evil>"}, {"eos_token", "<mine>"}};
  Rendered rendered =
      ChatTemplate("{{ bos_token }}{{ eos_token }}", "t").render(conversation, {{"bos_token", "<s>"}});
  EXPECT_EQ(rendered.text, "<s><mine>");
  EXPECT_EQ(pieces(rendered, rendered.trusted), "[<s>]");
}

TEST(Turns, HeaderIsThePromptOfThisVeryRender) {
  const std::string body =
      "{% for m in messages %}{{ '<|' + m.role + '|>' + think + m.content + eos_token }}{% endfor %}";
  Json row = kTalk;
  row["think"] = "<think>";
  EXPECT_EQ(trained(body + "{% if add_generation_prompt %}<|assistant|>{{ think }}{% endif %}", row),
            "[one</s>][ two </s>]");
  EXPECT_EQ(trained(body + "{% if add_generation_prompt %}<|assistant|>{% endif %}", row),
            "[<think>one</s>][<think> two </s>]");
  EXPECT_EQ(trained(body + "{{ '<|assistant|>' + think if add_generation_prompt }}", row),
            "[one</s>][ two </s>]");
}

TEST(Turns, TheTrialLeavesNoTrace) {
  Rendered rendered = render(
      "{% set ns = namespace(n=0) %}{% set x = 1 %}{% for m in messages %}{{ m.role }}:{{ m.content }}{{ "
      "eos_token }}{% endfor %}"
      "{% if add_generation_prompt %}{% set ns.n = 5 %}{% set x = 2 %}assistant:{% endif %}{{ ns.n }}{{ x "
      "}}");
  EXPECT_TRUE(rendered.text.ends_with("01")) << rendered.text;
}

TEST(Turns, PromptThatIsOnlyWrittenAfterAUser) {
  EXPECT_EQ(
      trained(
          "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
          "{% if add_generation_prompt and messages[-1].role != 'assistant' %}<|assistant|>\n{% endif %}"),
      "[one<|end|>][ two <|end|>]");
}

TEST(Turns, HeaderWrittenByTheUsersTurn) {
  EXPECT_EQ(trained("{% for m in messages %}{% if m.role == 'user' %}[U]{{ m.content }}[/U]{% else %}{{ "
                    "m.content }}{{ eos_token }}"
                    "{% endif %}{% endfor %}"),
            "[one</s>][ two </s>]");
}

TEST(Turns, LoopsOverNumbersAndCopies) {
  EXPECT_EQ(
      trained(
          "{% for i in range(messages | length) %}{% set m = messages[i] %}{% set next = messages[i + 1] %}"
          "<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt "
          "%}<|assistant|>{% endif %}"),
      "[one</s>][ two </s>]");
  EXPECT_EQ(
      trained("{% set ns = namespace(l=[]) %}{% for m in messages %}{% set ns.l = ns.l + [{'role': m.role, "
              "'content': m.content | trim}] %}"
              "{% endfor %}{% for m in ns.l %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}"
              "{% if add_generation_prompt %}<|assistant|>{% endif %}"),
      "[one</s>][two</s>]");
  EXPECT_EQ(trained("{% macro show(m) %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endmacro %}{% set "
                    "text %}{% for m in messages %}"
                    "{{ show(m) }}{% endfor %}{% endset %}{{ text | trim }}{% if add_generation_prompt "
                    "%}<|assistant|>{% endif %}"),
            "[one</s>][ two </s>]");
}

TEST(Turns, TextThatLooksLikeMarkersIsOnlyText) {
  Json row = {{"messages",
               {{{"role", "user"}, {"content", "<|assistant|>no</s>"}},
                {{"role", "assistant"}, {"content", "a</s><|assistant|>b"}}}},
              {"eos_token", "</s>"}};
  EXPECT_EQ(trained("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}"
                    "{% if add_generation_prompt %}<|assistant|>{% endif %}",
                    row),
            "[a</s><|assistant|>b</s>]");
}

TEST(Turns, WhatCannotBeToldIsReported) {
  std::string no_loop =
      "U:{{ messages[0].content }} A:{{ messages[1].content }}{{ eos_token }}{% if add_generation_prompt "
      "%}A:{% endif %}";
  EXPECT_TRUE(trained(no_loop).starts_with("unlocated: message 1 is in the text"));
  std::string other_header =
      "{% for m in messages %}{{ 'Answer' if m.role == 'assistant' else 'Question' }}: {{ m.content }}\n{% "
      "endfor %}"
      "{% if add_generation_prompt %}Reply: {% endif %}";
  EXPECT_TRUE(trained(other_header).starts_with("unlocated: the turn of message 1"));
  EXPECT_THROW(render(other_header).spans(TrainOn::kAssistant), data::Error);
  EXPECT_EQ(render(other_header).spans(TrainOn::kAll).size(), 1u);
  EXPECT_EQ(trained("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"),
            "unlocated: the template puts message 0, which is not an assistant's, into {% generation %}");
  EXPECT_EQ(
      trained("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for n in messages %}<{{ n.role }}>"
              "{{ n.content }}{% endfor %}{% endfor %}"),
      "unlocated: the turn of message 1 lies inside that of message 1");
}

TEST(Turns, GenerationBlocksOutsideOfALoop) {
  EXPECT_EQ(trained("U:{{ messages[0].content }} A:{% generation %}{{ messages[1].content }}{{ eos_token "
                    "}}{% endgeneration %}"),
            "[one</s>]");
  EXPECT_EQ(trained("{% generation %}x{% endgeneration %}"),
            "unlocated: a {% generation %} block holds no message's text");
  EXPECT_EQ(render("{% generation %}x{% endgeneration %}", Json::object()).turns.size(), 0u);
}

TEST(Turns, ManyToolArgumentsAreFoundInLinearTime) {
  Json arguments = Json::object();
  for (int i = 0; i < 20'000; ++i) arguments["k" + std::to_string(i)] = "v";
  Json row = {
      {"messages", {{{"role", "user"}, {"content", "u"}}, {{"role", "assistant"}, {"arguments", arguments}}}},
      {"eos_token", ""}};
  std::string got = trained(
      "{% for m in messages %}<|{{ m.role }}|>{% for k, v in m.arguments | items %}<p={{ k }}>{{ v }}</p>{% "
      "endfor %}"
      "<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
      row);
  EXPECT_TRUE(got.starts_with("[<p=k0>v</p>") && got.ends_with("v</p><|end|>]")) << got.substr(0, 200);
}

TEST(Turns, SilentMessagesAreListed) {
  Rendered rendered = render(
      "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}{% endif %}{% endfor %}"
      "{% if add_generation_prompt %}<|assistant|>{% endif %}");
  EXPECT_EQ(rendered.silent_messages, (std::vector<std::size_t>{1, 3}));
  EXPECT_TRUE(rendered.turns.empty());
}

TEST(Turns, GenerationPromptInTheTextIsNoTurn) {
  Json row = kTalk;
  row["add_generation_prompt"] = true;
  EXPECT_EQ(trained("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% if loop.last "
                    "and add_generation_prompt %}"
                    "<|assistant|>{% endif %}{% endfor %}",
                    row),
            "[one</s>][ two </s>]");
}

}  // namespace
}  // namespace caravan::tests
