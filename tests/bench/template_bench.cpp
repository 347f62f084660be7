// Renders per second, with turns found: each real template over conversations of two turns, one thread.
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "data/chat/builtin_templates.h"
#include "data/chat/template.h"
#include "tests/unit/data/chat/read_cases.h"

namespace {

using namespace caravan;

std::vector<data::Conversation> make_conversations() {
  const std::string answer =
      "A compiler reads source text, checks it, and turns it into another form, most often machine code. "
      "Along the way it "
      "builds a tree of the program, replaces slow patterns by fast ones and reports what it cannot make "
      "sense of.";
  std::vector<data::Conversation> conversations(64);
  for (std::size_t i = 0; i < conversations.size(); ++i) {
    for (int turn = 0; turn < 2; ++turn) {
      conversations[i].messages.push_back(
          {"user", "What does a compiler do, in case " + std::to_string(i) + "?", nullptr});
      conversations[i].messages.push_back({"assistant", answer.substr(i), nullptr});
    }
  }
  return conversations;
}

double renders_per_second(const data::ChatTemplate& chat_template,
                          const std::vector<data::Conversation>& conversations) {
  data::Json variables = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"functions", "[]"}, {"datetime", "2025-07-10"}};
  data::RenderOptions options = tests::on_reference_day();
  std::size_t count = 0;
  auto begin = std::chrono::steady_clock::now();
  double seconds = 0;
  while (seconds < 0.5) {
    for (const data::Conversation& conversation : conversations)
      count += chat_template.render(conversation, variables, options).turns.size() / 2;
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  return static_cast<double>(count) / seconds;
}

}  // namespace

int main() {
  std::vector<data::Conversation> conversations = make_conversations();
  double seconds_per_round = 0;
  int num_templates = 0;
  auto report = [&](const std::string& name, const data::ChatTemplate& chat_template) {
    double rate = renders_per_second(chat_template, conversations);
    seconds_per_round += 1 / rate;
    ++num_templates;
    std::printf("%-52s %9.0f renders/s %7.2f us\n", name.c_str(), rate, 1e6 / rate);
  };
  for (const data::BuiltinTemplate& builtin : data::builtin_templates()) {
    report("built-in " + std::string(builtin.name), data::make_builtin_template(builtin.name));
  }
  if (!tests::shared_data().empty()) {
    for (const auto& file :
         std::filesystem::directory_iterator(tests::shared_data() / "conf-chat-templates/templates")) {
      report(file.path().stem().string(),
             data::ChatTemplate(tests::read_text(file.path()), file.path().filename()));
    }
  }
  std::printf("%-52s %9.0f renders/s\n", "all, one after the other", num_templates / seconds_per_round);
}
