// What reaches a person: a narrow terminal, one that knows no colours, none at all.
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>

#include "tests/operator/operator_run.h"
#include "trainer/metrics/terminal.h"

namespace caravan {
namespace {

struct Screen {
  int code = -1;
  std::string bytes;
};

// The command at a terminal of so many columns, and all that it wrote there.
Screen at_terminal(int columns, const std::vector<std::string>& words) {
  const winsize size{
      .ws_row = 24, .ws_col = static_cast<unsigned short>(columns), .ws_xpixel = 0, .ws_ypixel = 0};
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    std::vector<char*> pointers;
    for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
    pointers.push_back(nullptr);
    execv(pointers[0], pointers.data());
    _exit(127);
  }
  Screen screen;
  char buffer[4096];
  // The other end is gone: EIO.
  for (ssize_t n = 0; (n = read(terminal, buffer, sizeof buffer)) > 0;)
    screen.bytes.append(buffer, static_cast<std::size_t>(n));
  close(terminal);
  int status = 0;
  waitpid(child, &status, 0);
  screen.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return screen;
}

// Without ESC [ ... letter.
std::string without_escapes(const std::string& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\x1b') {
      text += bytes[i];
      continue;
    }
    while (i + 1 < bytes.size() && (std::isalpha(static_cast<unsigned char>(bytes[i])) == 0)) ++i;
  }
  return text;
}

// What stood in a line that was taken back: a status.
std::vector<std::string> statuses(const std::string& bytes) {
  std::vector<std::string> found;
  const std::string text = without_escapes(bytes);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    const bool is_taken_back =
        end < text.size() && text[end] == '\r' && (end + 1 == text.size() || text[end + 1] != '\n');
    if (is_taken_back && end > at) found.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return found;
}

class AtTerminal : public OperatorRun {
 protected:
  static std::vector<std::string> words(const std::vector<std::string>& variables,
                                        const std::vector<std::string>& command) {
    std::vector<std::string> all{"-uNO_COLOR", "TERM=xterm", "LC_ALL=C.UTF-8"};
    all.insert(all.end(), variables.begin(), variables.end());
    return words_in({.variables = all}, command);
  }
  // Commands that draw, color or mark something where they may.
  static std::vector<std::vector<std::string>> talkative(const std::string& out) {
    return {{"train", path("sft.yaml"), "run.dir=" + path(out + "/sft")},
            {"launch", "--nproc", "2", "--", "train", path("sft.yaml"), "run.dir=" + path(out + "/ranks")},
            {"train", path("dpo.yaml"), "run.dir=" + path(out + "/dpo")},
            {"train", path("rlvr.yaml"), "run.dir=" + path(out + "/rlvr")},
            {"train", path("sft.yaml"), "run.dir=" + path(out + "/wrong"), "data.max_length=2 tokens"},
            {"evaluate", "--model", path("base/final"), "--tasks", path("sums.yaml"), "--out",
             path(out + "/scores")},
            {"tokenize", "--recipe", path("sft.yaml"), "--show", "--rows", "2"},
            {"data", "explain", path("demo/train.jsonl") + ":3", "--run", path("base")},
            {"prefer", path("prefer.yaml"), "run.dir=" + path(out + "/prefer"),
             "out=" + path(out + "/prefer/pairs.jsonl")},
            {"doctor"}};
  }
};

TEST_F(AtTerminal, NoStatusIsWiderThanFortyColumns) {
  world_->write("긴 이름/quiz.yaml", tests::read_bytes(path("sums.yaml")));
  std::size_t drawn = 0;
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"train", path("sft.yaml"), "run.dir=" + path("사막을 건너는 카라반의 아주 긴 이름 하나"),
            "name=카라반 실험 하나 둘 셋 넷", "evaluation.sources.0.path=" + path("demo/held_out.jsonl"),
            "evaluation.every=3 steps"},
           {"train", path("dpo.yaml"), "run.dir=" + path("한국어 이름의 선호 학습 실험 폴더 하나 둘 셋")},
           {"train", path("rlvr.yaml"), "run.dir=" + path("narrow-rlvr")},
           {"evaluate", "--model", path("base/final"), "--tasks", path("sums.yaml"), "--out",
            path("좁은 화면의 점수")}}) {
    const Screen screen = at_terminal(40, words({}, command));
    ASSERT_EQ(screen.code, 0) << screen.bytes;
    const std::vector<std::string> found = statuses(screen.bytes);
    for (const std::string& status : found) EXPECT_LT(trainer::display_columns(status), 40u) << status;
    drawn += found.size();
  }
  EXPECT_GT(drawn, 10u) << "no status was drawn at all";
}

TEST_F(AtTerminal, ColoursAreThereWhereNothingForbidsThem) {
  const Screen screen = at_terminal(80, words({}, talkative("coloured")[6]));
  EXPECT_EQ(screen.code, 0) << screen.bytes;
  EXPECT_TRUE(has(screen.bytes, "\x1b[")) << "nothing that the next test could find missing";
}

TEST_F(AtTerminal, NoEscapeWhereNoneIsWanted) {
  for (const std::string wish : {"NO_COLOR=1", "TERM=dumb", "TERM="}) {
    SCOPED_TRACE(wish);
    for (const std::vector<std::string>& command : talkative("plain-" + wish)) {
      const Screen screen = at_terminal(80, words({wish}, command));
      EXPECT_FALSE(has(screen.bytes, "\x1b")) << command[0] << "\n" << screen.bytes;
      EXPECT_FALSE(screen.bytes.empty()) << command[0];
    }
  }
}

// Into a file: no escape, and no line that is taken back.
TEST_F(AtTerminal, NoneAtAllGetsWholeLines) {
  for (const std::vector<std::string>& command : talkative("piped")) {
    run(command, {.variables = {"TERM=xterm", "-uNO_COLOR"}});
    EXPECT_FALSE(has(log(), "\x1b")) << command[0] << "\n" << log();
    EXPECT_FALSE(has(log(), "\r")) << command[0] << "\n" << log();
    EXPECT_FALSE(log().empty()) << command[0];
  }
}

// Names that are Korean are told as they are.
TEST_F(AtTerminal, KoreanNamesAreWhole) {
  const std::string out = path("한글 폴더");
  const Screen screen = at_terminal(40, words({}, {"train", path("sft.yaml"), "run.dir=" + out}));
  ASSERT_EQ(screen.code, 0) << screen.bytes;
  EXPECT_TRUE(has(screen.bytes, out + "/final")) << screen.bytes;
}

// A terminal that goes away, as a closed laptop's ssh: SIGHUP, and the run is saved.
TEST_F(AtTerminal, ItsEndIsAStop) {
  const std::string out = path("hung-up");
  const winsize size{.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    execl(kProgram.c_str(), kProgram.c_str(), "train", path("sft.yaml").c_str(), ("run.dir=" + out).c_str(),
          "run.max_steps=100000", nullptr);
    _exit(127);
  }
  for (int i = 0; i < 60000 && !fs::exists(out + "/checkpoints/step-00000003/manifest.json"); ++i) {
    char buffer[4096];
    pollfd ready{terminal, POLLIN, 0};
    if (poll(&ready, 1, 1) > 0) (void)!read(terminal, buffer, sizeof buffer);
  }
  close(terminal);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 75);
  const json card = json::parse(tests::read_bytes(out + "/run.json"));
  EXPECT_EQ(card["launches"][0]["outcome"], "stopped") << card["launches"][0];
}

}  // namespace
}  // namespace caravan
