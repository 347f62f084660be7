// Whole files through Reader: the reference rows of the four layouts, the bad rows, and real data sets.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "data/error.h"
#include "data/readers/detect.h"
#include "data/readers/file_list.h"
#include "data/readers/reader.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_dir.h"

namespace caravan::data {
namespace {

struct ReadRow {
  RowOutcome outcome;
  Conversation conversation;
};

std::vector<ReadRow> read_file(const std::string& path, RowFormat format, const std::string& source,
                               RowLimits limits = {}) {
  Reader reader(path, format, source, 0, limits);
  std::vector<ReadRow> rows;
  ReadRow row;
  while (reader.next(row.outcome, row.conversation)) rows.push_back(row);
  return rows;
}

std::string fate_name(RowFate fate) {
  return std::vector<std::string>{"kept", "repaired", "dropped", "ignored"}[static_cast<std::size_t>(fate)];
}

std::vector<Json> read_expected(const std::filesystem::path& path) {
  std::vector<Json> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  EXPECT_FALSE(lines.empty()) << path;
  return lines;
}

// The reference writes only these of what a turn carries besides its text.
Json as_reference(const Conversation& conversation) {
  Json row{{"id", conversation.id}, {"source", conversation.source}, {"messages", Json::array()}};
  for (const Message& message : conversation.messages) {
    Json turn{{"role", message.role}, {"content", message.content}};
    for (const char* key : {"tool_calls", "tool_call_id", "name"}) {
      if (message.extra.contains(key)) turn[key] = message.extra[key];
    }
    row["messages"].push_back(turn);
  }
  if (!conversation.tools.is_null()) row["tools"] = conversation.tools;
  return row;
}

std::filesystem::path references() {
  return tests::shared_data() / "goldens/data/converters";
}

void check_layout(const std::string& name, RowFormat format) {
  const std::vector<ReadRow> rows = read_file((references() / (name + ".jsonl")).string(), format, name);
  const std::vector<Json> expected = read_expected(references() / (name + ".expected.jsonl"));
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(fate_name(rows[i].outcome.fate), expected[i]["fate"]) << name << " line " << i;
    EXPECT_EQ(Json(rows[i].outcome.reasons), expected[i]["reasons"]) << name << " line " << i;
    if (expected[i]["rows"].empty()) continue;
    EXPECT_EQ(nlohmann::json(as_reference(rows[i].conversation)), nlohmann::json(expected[i]["rows"][0]))
        << name << " line " << i;
  }
}

TEST(Converters, MessagesEqualTheReference) {
  SKIP_WITHOUT_SHARED_DATA();
  check_layout("messages", RowFormat::kMessages);
}
TEST(Converters, SharegptEqualsTheReference) {
  SKIP_WITHOUT_SHARED_DATA();
  check_layout("sharegpt", RowFormat::kSharegpt);
}
TEST(Converters, AlpacaEqualsTheReference) {
  SKIP_WITHOUT_SHARED_DATA();
  check_layout("alpaca", RowFormat::kAlpaca);
}
TEST(Converters, PromptCompletionEqualsTheReference) {
  SKIP_WITHOUT_SHARED_DATA();
  check_layout("prompt_completion", RowFormat::kPromptCompletion);
}

// The reference writes repairs without their prefix here.
std::string first_reason(const RowOutcome& outcome) {
  if (outcome.reasons.empty()) return "";
  const std::string& reason = outcome.reasons[0];
  return reason.starts_with("repaired:") ? reason.substr(9) : reason;
}

TEST(Converters, BadRowsMeetTheirFate) {
  SKIP_WITHOUT_SHARED_DATA();
  const std::vector<ReadRow> rows =
      read_file((references() / "bad_rows.jsonl").string(), RowFormat::kMessages, "bad_rows");
  const std::vector<Json> expected = read_expected(references() / "bad_rows.expected.jsonl");
  ASSERT_EQ(rows.size(), expected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(fate_name(rows[i].outcome.fate), expected[i]["fate"]) << "line " << i;
    EXPECT_EQ(first_reason(rows[i].outcome), expected[i]["reason"].is_null() ? "" : expected[i]["reason"])
        << "line " << i;
    EXPECT_EQ(rows[i].conversation.where.line, i + 1);
  }
}

TEST(Converters, AByteOrderMarkIsTakenOffAndReported) {
  SKIP_WITHOUT_SHARED_DATA();
  const std::vector<ReadRow> rows =
      read_file((references() / "bom.jsonl").string(), RowFormat::kMessages, "bom");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].outcome.reasons, std::vector<std::string>{"repaired:byte_order_mark"});
  EXPECT_EQ(rows[0].outcome.fate, RowFate::kRepaired);
  EXPECT_EQ(rows[1].outcome.fate, RowFate::kKept);
  EXPECT_EQ(rows[1].conversation.id, "ok3");
}

TEST(Converters, HugeRowsMeetTheirFate) {
  const tests::TempDir dir;
  const auto fate = [&dir](const std::string& row, RowLimits limits = {}) {
    const std::vector<ReadRow> rows = read_file(dir.write("a.jsonl", row), RowFormat::kMessages, "s", limits);
    EXPECT_EQ(rows.size(), 1u);
    return fate_name(rows.at(0).outcome.fate) + " " + first_reason(rows[0].outcome);
  };
  const std::string long_line = "{\"messages\":[{\"role\":\"user\",\"content\":\"" +
                                std::string(10 << 20, 'a') +
                                "\"},{\"role\":\"assistant\",\"content\":\"b\"}]}";
  EXPECT_EQ(fate(long_line), "kept ");
  EXPECT_EQ(fate(long_line, {.row_bytes = 1 << 20}), "dropped line_too_long");
  EXPECT_EQ(fate("{\"messages\": " + std::string(100000, '[') + std::string(100000, ']') + "}"),
            "dropped too_deep");
  EXPECT_EQ(fate("{\"messages\": " + std::string(1000000, '9') + "}"), "dropped wrong_type:messages");
  EXPECT_EQ(fate(std::string(4096, '\0')), "dropped invalid_json");
  std::string many = "{\"messages\":[";
  for (int i = 0; i < 100000; ++i) {
    many +=
        std::string(i ? "," : "") + "{\"role\":\"" + (i % 2 ? "assistant" : "user") + "\",\"content\":\"x\"}";
  }
  EXPECT_EQ(fate(many + "]}"), "kept ");
}

TEST(Converters, RealSetsLoad) {
  SKIP_WITHOUT_SHARED_DATA();
  const std::filesystem::path root = tests::shared_data();
  struct Set {
    const char* glob;
    RowFormat format;
    std::size_t kept;
  };
  for (const Set& set :
       {Set{"sft-fastchat-dummy/*.json", RowFormat::kSharegpt, 500},
        Set{"sft-llamafactory-demos/alpaca_en_demo.json", RowFormat::kAlpaca, 999},
        Set{"sft-llamafactory-demos/identity.json", RowFormat::kAlpaca, 91},
        Set{"sft-llamafactory-demos/glaive_toolcall_en_demo.json", RowFormat::kSharegpt, 300},
        Set{"sft-llamafactory-demos/v1_sft_demo.jsonl", RowFormat::kMessages, 500},
        Set{"sft-llamafactory-demos/reason_tool_use_demo_50.jsonl", RowFormat::kMessages, 50},
        Set{"sft-dolly-hhrlhf-small/*.jsonl", RowFormat::kPromptCompletion, 1000},
        Set{"sft-flan-like-p3/*.jsonl", RowFormat::kPromptCompletion, 7608}}) {
    std::map<std::string, std::size_t> dropped;
    std::size_t kept = 0;
    for (const std::string& path : list_files((root / set.glob).string())) {
      EXPECT_EQ(detect_format(path), set.format) << path;
      for (const ReadRow& row : read_file(path, set.format, "s")) {
        if (row.outcome.fate == RowFate::kDropped) ++dropped[row.outcome.reasons[0]];
        kept += row.outcome.fate == RowFate::kKept || row.outcome.fate == RowFate::kRepaired;
      }
    }
    EXPECT_EQ(kept, set.kept) << set.glob;
    for (const auto& [reason, count] : dropped)
      std::printf("%s: dropped %zu %s\n", set.glob, count, reason.c_str());
  }
  for (const char* other : {"sft-llamafactory-demos/dpo_en_demo.json",
                            "sft-llamafactory-demos/kto_en_demo.json", "sft-oasst-sample/en_100_tree.jsonl",
                            "sft-self-instruct/seed_tasks.jsonl", "sft-oasst-sample/en_100_text.jsonl"}) {
    EXPECT_THROW(detect_format((root / other).string()), Error) << other;
  }
}

}  // namespace
}  // namespace caravan::data
