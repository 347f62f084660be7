// Built-in templates, and the check that a template can be trained through.
#include <gtest/gtest.h>

#include <fstream>

#include "data/chat/builtin_templates.h"
#include "data/chat/checkpoint_template.h"
#include "data/chat/template_check.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::ChatTemplate;
using data::Json;

const Json kTokens = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};

TEST(Builtin, TuluIsOpenInstructs) {
  SKIP_WITHOUT_SHARED_DATA();
  ChatTemplate ours = data::make_builtin_template("tulu");
  ChatTemplate theirs(read_text(shared_data() / "goldens/data/masks/templates/tulu.jinja"), "tulu.jinja");
  int compared = 0;
  for (const Json& row : read_jsonl(shared_data() / "goldens/data/masks/cases.jsonl")) {
    for (bool prompt : {false, true}) {
      data::RenderOptions options = on_reference_day();
      options.add_generation_prompt = prompt;
      if (row["case"] == "tool_call_string_arguments") {
        EXPECT_THROW(ours.render(row["inputs"], options), data::Error);
        continue;
      }
      data::Rendered a = ours.render(row["inputs"], options);
      data::Rendered b = theirs.render(row["inputs"], options);
      ASSERT_EQ(a.text, b.text) << row["case"];
      EXPECT_EQ(a.turns, b.turns) << row["case"];
      EXPECT_EQ(a.trusted, b.trusted) << row["case"];
      ++compared;
    }
  }
  EXPECT_GT(compared, 1000);
}

TEST(Builtin, EveryOnePassesTheCheck) {
  for (const data::BuiltinTemplate& builtin : data::builtin_templates()) {
    data::TemplateFacts facts = data::check_template(data::make_builtin_template(builtin.name), kTokens);
    EXPECT_FALSE(facts.end_of_turn.empty()) << builtin.name;
  }
  EXPECT_EQ(data::check_template(data::make_builtin_template("llama3"), kTokens).end_of_turn, "<|eot_id|>");
  EXPECT_EQ(data::check_template(data::make_builtin_template("chatml"), kTokens).generation_prompt,
            "<|im_start|>assistant\n");
  EXPECT_TRUE(data::check_template(data::make_builtin_template("mistral"), kTokens).begins_with_bos);
}

TEST(Builtin, Text) {
  Json row = {{"messages",
               {{{"role", "system"}, {"content", "S"}},
                {{"role", "user"}, {"content", " U "}},
                {{"role", "assistant"}, {"content", "A"}}}},
              {"bos_token", "<s>"},
              {"eos_token", "</s>"}};
  auto text = [&](std::string_view name) { return data::make_builtin_template(name).render(row).text; };
  EXPECT_EQ(text("mistral"), "<s>[INST]S\n\n U [/INST]A</s>");
  EXPECT_EQ(text("plain"), "<s>System:\nS\n\nUser:\n U \n\nAssistant:\nA</s>\n\n");
  EXPECT_EQ(text("zephyr"), "<|system|>\nS</s>\n<|user|>\n U </s>\n<|assistant|>\nA</s>\n");
  EXPECT_EQ(text("llama3"),
            "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_"
            "id|>\n\nU<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|>");
  EXPECT_EQ(text("chatml"),
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n U "
            "<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n");
  row["tools"] = {{{"name", "f"}}};
  EXPECT_THROW(text("chatml"), data::Error);
}

TEST(Builtin, UnknownNameGivesTheNearest) {
  try {
    data::make_builtin_template("lama3");
    FAIL();
  } catch (const data::Error& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'llama3'? known are tulu, llama3"),
              std::string::npos)
        << error.what();
  }
}

void expect_refused(const std::string& source, const std::string& part) {
  try {
    data::check_template(ChatTemplate(source, "t"), kTokens);
    ADD_FAILURE() << source;
  } catch (const data::Error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Check, RefusesWhatCannotBeTrained) {
  const std::string prompt = "{% if add_generation_prompt %}<|assistant|>{% endif %}";
  expect_refused("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}" + prompt,
                 "without an end-of-turn token");
  expect_refused(
      "<s>{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}" +
          prompt,
      "BOS token twice");
  expect_refused(
      "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}" + prompt,
      "of 2 assistant messages");
  expect_refused("{{ messages[1].content }}" + prompt, "not known");
  expect_refused("{% for m in messages %}A:{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}",
                 "not an assistant's");
}

TEST(Check, RealTemplatesPass) {
  SKIP_WITHOUT_SHARED_DATA();
  Json variables = kTokens;
  variables["functions"] = "[]";
  variables["datetime"] = "2025-07-10";
  int passed = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(shared_data() / "conf-chat-templates/templates")) {
    data::TemplateFacts facts =
        data::check_template(ChatTemplate(read_text(file.path()), file.path().filename()), variables,
                             data::TrainOn::kAssistant, on_reference_day());
    EXPECT_FALSE(facts.end_of_turn.empty()) << file.path();
    ++passed;
  }
  EXPECT_EQ(passed, 21);
}

TEST(Checkpoint, TemplateAndTokensOfADirectory) {
  TempDir folder;
  auto write = [&](const char* name, const std::string& text) {
    std::ofstream(folder.path() / name) << text;
  };
  auto read = [&] { return data::read_checkpoint_template(folder.path().string()); };
  write("tokenizer_config.json",
        R"({"bos_token": {"content": "<b>"}, "eos_token": null, "chat_template": "own", "x_token": 1})");
  write("special_tokens_map.json", R"({"eos_token": "<e>", "bos_token": "<other>"})");
  EXPECT_EQ(read().source, "own");
  EXPECT_EQ(read().variables.dump(), R"({"bos_token":"<b>","eos_token":"<e>"})");
  write("tokenizer_config.json",
        R"({"chat_template": [{"name": "tools", "template": "T"}, {"name": "default", "template": "D"}]})");
  EXPECT_EQ(read().source, "D");
  write("chat_template.jinja", "file");
  EXPECT_EQ(read().source, "file");
  EXPECT_EQ(data::choose_template("auto", read()).source(), "file");
  EXPECT_EQ(data::choose_template((folder.path() / "chat_template.jinja").string(), {}).source(), "file");
  EXPECT_THROW(data::choose_template("auto", {}), data::Error);
  EXPECT_THROW(data::choose_template("missing.jinja", {}), data::Error);
  write("tokenizer_config.json", "{");
  EXPECT_THROW(read(), data::Error);
  write("tokenizer_config.json",
        R"({"bos_token": )" + std::string(300'000, '[') + std::string(300'000, ']') + "}");
  EXPECT_THROW(read(), data::Error) << "to copy it would take the whole stack";
}

}  // namespace
}  // namespace caravan::tests
