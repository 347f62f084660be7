// Tool calls and tools that a template does not write are noticed, and those it writes are never missed.
#include <gtest/gtest.h>

#include <map>

#include "data/error.h"
#include "tests/unit/data/chat/read_cases.h"

namespace caravan::tests {
namespace {

using data::ChatTemplate;
using data::Json;
using data::Rendered;

const Json kTools = Json::parse(R"([{"type": "function", "function": {"name": "get_weather"}}])");

Json call(const std::string& name) {
  return {{"type", "function"}, {"function", {{"name", name}, {"arguments", {{"city", "Rome"}}}}}};
}

Json row(std::vector<Json> calls, const std::string& content = "") {
  return {{"messages",
           {{{"role", "user"}, {"content", "get_weather, please"}},
            {{"role", "assistant"}, {"content", content}, {"tool_calls", std::move(calls)}}}},
          {"tools", kTools}};
}

constexpr const char* kPlain = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}";
constexpr const char* kFirstCall =
    "{{ tools | tojson }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}{% endif %}<|end|>{% endfor %}";
constexpr const char* kEveryCall =
    "{{ tools | tojson }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% for c in m.tool_calls %}{% set f = c.function %}{{ f | tojson }}{% endfor %}<|end|>{% endfor %}";

Rendered render(const char* source, const Json& variables) {
  return ChatTemplate(source, "t").render(variables, on_reference_day());
}

using Messages = std::vector<std::size_t>;

TEST(LeftOut, CallsThatAreNotWritten) {
  // The name in a text of the user or of the answer is no call.
  EXPECT_EQ(render(kPlain, row({call("get_weather")}, "I call get_weather")).lost_calls, Messages{1});
  EXPECT_EQ(render(kEveryCall, row({call("get_weather")})).lost_calls, Messages{});
  EXPECT_EQ(render(kFirstCall, row({call("get_weather")})).lost_calls, Messages{});
  EXPECT_EQ(render(kFirstCall, row({call("get_weather"), call("get_time")})).lost_calls, Messages{1});
  EXPECT_EQ(render(kFirstCall, row({call("get_weather"), call("get_weather")})).lost_calls, Messages{1});
  EXPECT_EQ(render(kEveryCall, row({call("get_weather"), call("get_weather")})).lost_calls, Messages{});
  EXPECT_EQ(render(kPlain, row({}, "no call")).lost_calls, Messages{});
}

TEST(LeftOut, NamesThatJsonEscapesAreNotLookedFor) {
  EXPECT_EQ(render(kEveryCall, row({call("say \"hi\"")})).lost_calls, Messages{});
  EXPECT_EQ(render(kPlain, row({call("say \"hi\"")})).lost_calls, Messages{1});
}

TEST(LeftOut, ToolsThatAreNotWritten) {
  EXPECT_TRUE(render(kPlain, row({}, "a")).lost_tools);
  EXPECT_FALSE(render(kEveryCall, row({}, "a")).lost_tools);
  Json without = row({}, "a");
  without.erase("tools");
  EXPECT_FALSE(render(kPlain, without).lost_tools);
}

TEST(LeftOut, ConversationsSayTheSame) {
  data::Conversation conversation;
  conversation.messages = {{"user", "hi", nullptr},
                           {"assistant", "", Json{{"tool_calls", Json::array({call("get_weather")})}}}};
  conversation.tools = kTools;
  const Rendered plain = ChatTemplate(kPlain, "t").render(conversation, nullptr, on_reference_day());
  EXPECT_EQ(plain.lost_calls, Messages{1});
  EXPECT_TRUE(plain.lost_tools);
  const Rendered every = ChatTemplate(kEveryCall, "t").render(conversation, nullptr, on_reference_day());
  EXPECT_EQ(every.lost_calls, Messages{});
  EXPECT_FALSE(every.lost_tools);
}

// In the references, a function's name stands in the text of the turns exactly where the template knows
// calls.
TEST(LeftOut, AgreesWithTheReferences) {
  SKIP_WITHOUT_SHARED_DATA();
  std::map<std::string, ChatTemplate> templates;
  int lost = 0, written = 0;
  for (const Json& expected : read_jsonl(shared_data() / "goldens/data/masks/cases.jsonl")) {
    if (expected.contains("refused")) continue;
    const Json& messages = expected["inputs"]["messages"];
    const bool calls = std::any_of(messages.begin(), messages.end(), [](const Json& message) {
      return message.contains("tool_calls") && !message["tool_calls"].empty();
    });
    if (!calls) continue;
    const std::string name = expected["template"];
    std::filesystem::path file = shared_data() / "goldens/data/masks/templates" / (name + ".jinja");
    if (!std::filesystem::exists(file))
      file = shared_data() / "conf-chat-templates/templates" / (name + ".jinja");
    auto found = templates.find(name);
    if (found == templates.end()) found = templates.emplace(name, ChatTemplate(read_text(file), name)).first;
    const Rendered rendered = found->second.render(expected["inputs"], on_reference_day());
    std::string said;  // the turns' texts: where a call can only be one
    for (const data::RenderedTurn& turn : rendered.turns)
      said += rendered.text.substr(turn.text.begin, turn.text.end - turn.text.begin) + '\n';
    bool missing = false;
    for (const Json& message : messages) {
      if (!message.contains("tool_calls")) continue;
      for (const Json& each : message["tool_calls"])
        missing |= said.find(each["function"]["name"].get<std::string>()) == std::string::npos;
    }
    if (missing) {
      EXPECT_FALSE(rendered.lost_calls.empty()) << name << " " << expected["case"];
      ++lost;
    } else if (rendered.lost_calls.empty()) {
      ++written;
    } else {
      ADD_FAILURE() << name << " " << expected["case"] << "\n" << rendered.text;
    }
  }
  EXPECT_GT(lost, 5);
  EXPECT_GT(written, 5);
}

}  // namespace
}  // namespace caravan::tests
