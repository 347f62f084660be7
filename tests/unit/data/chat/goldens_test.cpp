// Renders equal Python's jinja2 on real chat templates and on the language cases of two other engines.
#include <gtest/gtest.h>

#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::Json;

TEST(Goldens, RealTemplatesRenderAsJinja2) {
  SKIP_WITHOUT_SHARED_DATA();
  std::filesystem::path folder = shared_data() / "conf-chat-templates";
  std::vector<Json> rows = read_jsonl(folder / "jinja2_goldens_dev.jsonl");
  ASSERT_EQ(rows.size(), 168u);
  for (const Json& row : rows) {
    std::string name = row["template"];
    std::string got = render_or_error(read_text(folder / "templates" / name), row["inputs"]);
    if (row.contains("output")) {
      EXPECT_EQ(got, row["output"].get<std::string>()) << name << " " << row["case"];
    } else {
      EXPECT_TRUE(got.starts_with("error: "))
          << name << " " << row["case"] << " must fail with " << row["error"];
    }
  }
}

TEST(Goldens, LanguageCases) {
  SKIP_WITHOUT_SHARED_DATA();
  std::vector<Json> rows = read_jsonl(shared_data() / "conf-chat-templates/hf_jinja_unit.jsonl");
  ASSERT_EQ(rows.size(), 157u);
  for (const Json& row : rows) {
    std::string got = render_or_error(row["template"], row["context"]);
    if (row.contains("python_jinja2_error")) {
      EXPECT_TRUE(got.starts_with("error: "))
          << row["name"] << ": " << got << " must fail with " << row["python_jinja2_error"];
      continue;
    }
    bool agrees = row["python_jinja2_agrees"];
    EXPECT_EQ(got, row[agrees ? "expected" : "python_jinja2_output"].get<std::string>())
        << row["name"] << "\n"
        << row["template"];
  }
}

TEST(Goldens, ManyVendorsTemplates) {
  SKIP_WITHOUT_SHARED_DATA();
  Json file = Json::parse(read_text(shared_data() / "conf-chat-templates/llamacpp_test_chat_template.json"));
  ASSERT_EQ(file["cases"].size(), 33u);
  for (const Json& row : file["cases"]) {
    Json variables = {{"messages", file["messages"]}, {"add_generation_prompt", true}};
    variables["bos_token"] = row["bos_token"];
    variables["eos_token"] = row["eos_token"];
    std::string got = render_or_error(row["template_str"], variables);
    if (row.contains("python_jinja2_output") && row["python_jinja2_output"].is_string()) {
      EXPECT_EQ(got, row["python_jinja2_output"].get<std::string>()) << row["name"];
    } else {
      EXPECT_TRUE(got.starts_with("error: ")) << row["name"] << got;
    }
  }
}

}  // namespace
}  // namespace caravan::tests
