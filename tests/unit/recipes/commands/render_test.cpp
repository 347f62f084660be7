// caravan render: rows in, text and spans out.
#include "recipes/commands/render.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "data/error.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::Json;

std::vector<Json> run(std::vector<std::string> args, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  const int code = recipes::run_render(args, in, out);
  std::vector<Json> rows;
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) rows.push_back(Json::parse(line));
  const bool any_error =
      std::any_of(rows.begin(), rows.end(), [](const Json& row) { return row.contains("error"); });
  EXPECT_EQ(code, any_error ? 65 : 0);
  return rows;
}

const std::string kRow =
    R"({"messages":[{"role":"user","content":"é"},{"role":"assistant","content":"ok"}],"eos_token":"</s>"})";

TEST(RenderCommand, TextAndByteSpans) {
  std::vector<Json> rows = run({"--template", "tulu"}, kRow + "\n\n" + kRow + "\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["text"], "<|user|>\né\n<|assistant|>\nok</s>");
  EXPECT_EQ(rows[1]["spans"].dump(), "[[26,32]]");
  EXPECT_EQ(run({"--template=tulu", "--train-on=all"}, kRow)[0]["spans"].dump(), "[[0,32]]");
}

TEST(RenderCommand, EachBadRowIsAnErrorOfItsOwn) {
  std::vector<Json> rows =
      run({"--template", "tulu"}, "{\n[]\n{\"messages\":[{\"role\":\"user\",\"content\":null}]}\n" + kRow);
  ASSERT_EQ(rows.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rows[i].size(), 1u);
    EXPECT_TRUE(rows[i]["error"].get<std::string>().starts_with("line " + std::to_string(i + 1) + ": "))
        << rows[i];
  }
  EXPECT_TRUE(rows[3].contains("text"));
}

TEST(RenderCommand, SaysWhatTheTemplateLeavesOut) {
  const std::string row =
      R"({"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a","tool_calls":[{"function":{"name":"f"}}]}],"tools":[{"name":"f"}],"eos_token":"</s>"})";
  EXPECT_EQ(run({"--template", "tulu"}, row)[0]["left_out"].dump(), R"(["tools","messages[1].tool_calls"])");
  EXPECT_FALSE(run({"--template", "tulu"}, kRow)[0].contains("left_out"));
}

TEST(RenderCommand, InputThatCannotBeReadIsNoEndOfInput) {
  std::ifstream folder("/");
  std::ostringstream out;
  const std::vector<std::string> args{"--template", "tulu"};
  try {
    recipes::run_render(args, folder, out);
    ADD_FAILURE() << "a folder was read as if it were empty";
  } catch (const data::Error& error) {
    EXPECT_EQ(error.exit_code(), 74);
  }
}

TEST(RenderCommand, TemplateAndTokensOfACheckpoint) {
  TempDir folder;
  folder.write(
      "tokenizer_config.json",
      R"({"eos_token":"<e>","chat_template":"{% for m in messages %}[U]{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}{{ strftime_now('%Y') }}"})");
  Json row = Json::parse(kRow);
  row.erase("eos_token");
  EXPECT_EQ(run({"--model", folder.path().string(), "--date", "2020-01-01"}, row.dump())[0]["text"],
            "[U]é[U]ok<e>2020");
}

TEST(RenderCommand, RefusesBadUsage) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{},
                                             {"--template"},
                                             {"--tmplate", "x"},
                                             {"--template", "tullu"},
                                             {"--template", "tulu", "--train-on", "all_of_it"},
                                             {"--template", "tulu", "--date", "today"}}) {
    std::istringstream in;
    std::ostringstream out;
    try {
      recipes::run_render(args, in, out);
      ADD_FAILURE() << "accepted";
    } catch (const data::Error& error) {
      EXPECT_EQ(error.exit_code(), 2) << error.what();
    }
  }
}

TEST(RenderCommand, EqualsTheReferences) {
  SKIP_WITHOUT_SHARED_DATA();
  std::string file = (shared_data() / "goldens/data/masks/templates/zephyr-like.jinja").string();
  int compared = 0;
  for (const Json& row : read_jsonl(shared_data() / "goldens/data/masks/cases.jsonl")) {
    if (row["template"] != "zephyr-like") continue;
    Json got = run({"--template", file}, row["inputs"].dump())[0];
    EXPECT_EQ(got.contains("error"), row.contains("refused"));
    if (row.contains("refused")) continue;
    EXPECT_EQ(got["text"], row["text"]);
    EXPECT_EQ(got["spans"], row["spans_bytes"]["all_turns"]["with_end"]);
    ++compared;
  }
  EXPECT_EQ(compared, 24);
}

}  // namespace
}  // namespace caravan::tests
