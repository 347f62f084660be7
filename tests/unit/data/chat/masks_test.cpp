// Assistant turns from one render equal the references: 24 templates by 25 conversations.
#include <gtest/gtest.h>

#include <map>

#include "data/chat/template.h"
#include "data/error.h"
#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::ChatTemplate;
using data::Json;
using data::Rendered;
using data::TrainOn;

using Spans = std::vector<std::vector<std::size_t>>;

Spans spans_of(const Rendered& rendered, TrainOn policy) {
  Spans spans;
  for (const data::ByteRange& range : rendered.spans(policy)) spans.push_back({range.begin, range.end});
  return spans;
}

Spans spans_of(const Json& expected) {
  return expected.is_null() ? Spans{} : expected.get<Spans>();
}

std::filesystem::path template_file(const std::string& name, const std::string& ending) {
  std::filesystem::path own = shared_data() / "goldens/data/masks/templates" / (name + ending);
  return std::filesystem::exists(own) ? own
                                      : shared_data() / "conf-chat-templates/templates" / (name + ending);
}

const ChatTemplate& cached(const std::string& name, const std::string& ending) {
  static std::map<std::string, ChatTemplate> templates;
  auto found = templates.find(name + ending);
  if (found == templates.end()) {
    found =
        templates.emplace(name + ending, ChatTemplate(read_text(template_file(name, ending)), name)).first;
  }
  return found->second;
}

void expect_spans(const Rendered& rendered, const Json& row) {
  const Json& spans = row["spans_bytes"];
  ASSERT_EQ(rendered.unlocated, "");
  EXPECT_EQ(spans_of(rendered, TrainOn::kAssistant), spans_of(spans["all_turns"]["with_end"]));
  EXPECT_EQ(spans_of(rendered, TrainOn::kLastAssistant), spans_of(spans["last_turn"]["with_end"]));
  Json completion = spans["completion"].is_null() ? Json() : spans["completion"]["with_end"];
  EXPECT_EQ(spans_of(rendered, TrainOn::kCompletion), spans_of(completion));
  EXPECT_EQ(spans_of(rendered, TrainOn::kAll), spans_of(spans["everything"]["with_end"]));
  Spans bare;
  for (const data::RenderedTurn& turn : rendered.turns) bare.push_back({turn.text.begin, turn.text.end});
  EXPECT_EQ(bare, spans_of(spans["all_turns"]["without_end"]));
  ASSERT_EQ(rendered.turns.size(), row["turns"].size());
  for (std::size_t i = 0; i < rendered.turns.size(); ++i) {
    const Json& message = row["turns"][i]["message"];
    if (!message.is_null()) {
      EXPECT_EQ(rendered.turns[i].message, message.get<std::size_t>());
    }
  }
}

TEST(Masks, EqualReferencesFromOneRender) {
  SKIP_WITHOUT_SHARED_DATA();
  std::vector<Json> rows = read_jsonl(shared_data() / "goldens/data/masks/cases.jsonl");
  int rendered_cases = 0;
  int refused_cases = 0;
  for (const Json& row : rows) {
    std::string name = row["template"];
    SCOPED_TRACE(name + " " + row["case"].get<std::string>());
    try {
      Rendered rendered = cached(name, ".jinja").render(row["inputs"], on_reference_day());
      ASSERT_FALSE(row.contains("refused"));
      ASSERT_EQ(rendered.text, row["text"].get<std::string>());
      expect_spans(rendered, row);
      ++rendered_cases;
    } catch (const data::Error& error) {
      ASSERT_TRUE(row.contains("refused")) << error.what();
      if (row["refused"]["by"] == "template") {
        EXPECT_NE(std::string(error.what()).find(row["refused"]["message"].get<std::string>()),
                  std::string::npos);
      }
      ++refused_cases;
    }
  }
  EXPECT_EQ(rendered_cases, 571);
  EXPECT_EQ(refused_cases, 29);
}

TEST(Masks, GenerationBlocksGiveTheSameSpans) {
  SKIP_WITHOUT_SHARED_DATA();
  int compared = 0;
  for (const Json& row : read_jsonl(shared_data() / "goldens/data/masks/cases.jsonl")) {
    std::string name = row["template"];
    if (row.contains("refused") || !std::filesystem::exists(template_file(name, ".generation.jinja")))
      continue;
    SCOPED_TRACE(name + " " + row["case"].get<std::string>());
    Rendered rendered = cached(name, ".generation.jinja").render(row["inputs"], on_reference_day());
    ASSERT_EQ(rendered.text, row["text"].get<std::string>());
    expect_spans(rendered, row);
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace caravan::tests
