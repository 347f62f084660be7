#include "trainer/metrics/console_sink.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace caravan::trainer {
namespace {

// What was written to a terminal of given abilities.
class Screen {
 public:
  Screen() {
    if (pipe(ends_.data()) != 0) throw std::runtime_error("no pipe");
  }
  ~Screen() {
    close(ends_[0]);
    if (ends_[1] >= 0) close(ends_[1]);
  }
  TerminalOptions options() const {
    TerminalOptions options;
    options.descriptor = ends_[1];
    options.columns = 80;
    return options;
  }
  std::string text() {
    close(ends_[1]);
    ends_[1] = -1;
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = read(ends_[0], buffer, sizeof buffer)) > 0;)
      all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

 private:
  std::array<int, 2> ends_{};
};

std::vector<MetricValue> training_values(double loss) {
  return {{"train/loss", loss},
          {"train/grad_norm", 0.81234},
          {"train/learning_rate", 5e-6},
          {"speed/tokens_per_second", 5823.4}};
}

struct SteppingClock {
  double seconds_per_call = 1;
  int calls = 0;
  std::chrono::steady_clock::time_point operator()() {
    return std::chrono::steady_clock::time_point() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(
               std::chrono::duration<double>(seconds_per_call * calls++));
  }
};

TEST(DrawProgress, ShowsWhatFitsAndNeverMore) {
  const auto values = training_values(1.23456);
  const ProgressLine progress{120, 300, "03:21", values};
  EXPECT_EQ(
      draw_progress(progress, 100, false),
      " 40% ======>........  120/300  loss 1.2346  grad_norm 0.812  lr 5.00e-06  5,823 tokens/s  ETA 03:21");
  EXPECT_EQ(draw_progress(progress, 80, false),
            " 40% ===>....  120/300  loss 1.2346  grad_norm 0.812  5,823 tokens/s  ETA 03:21");
  EXPECT_EQ(draw_progress(progress, 40, false), " 40%  120/300  loss 1.2346  ETA 03:21");
  for (int columns = 1; columns < 200; ++columns) {
    EXPECT_LT(display_columns(draw_progress(progress, columns, true)),
              static_cast<std::size_t>(std::max(columns, 5)))
        << columns;
  }
}

TEST(PlainProgress, IsWhatAPersonReads) {
  std::vector<MetricValue> values = training_values(1.23456);
  values.insert(values.begin() + 1, {"train/loss_count", 2208});
  values.push_back({"speed/model_flops_per_second", 6.1e10});
  values.push_back({"speed/gemm_share", 0.7164});
  values.push_back({"memory/peak_bytes", 4.2e9});
  const std::string line = plain_progress({12, 300, "03:21", values});
  EXPECT_EQ(
      line,
      "step 12/300  loss 1.2346  grad_norm 0.812  lr 5.00e-06  5,823 tokens/s  gemm 72%  peak 3.9 GiB  ETA "
      "03:21");
  EXPECT_LT(line.size(), 110u);
}

TEST(PlainProgress, TellsRewardsAndAccuracies) {
  const std::vector<MetricValue> rollouts{
      {"train/loss", -1.8e-9}, {"train/grad_norm", 0.5179}, {"rollout/reward", 0.671875}};
  EXPECT_EQ(plain_progress({7, 80, "", rollouts}), "step 7/80  loss 0.0000  reward 0.672  grad_norm 0.518");
  const std::vector<MetricValue> pairs{{"train/loss", 0.72669}, {"train/rewards/accuracies", 1.0 / 3.0}};
  EXPECT_EQ(plain_progress({44, 44, "", pairs}), "step 44/44  loss 0.7267  accuracy 0.33");
}

TEST(DrawProgress, BarIsFullAtTheEndOnly) {
  const std::vector<MetricValue> none;
  EXPECT_EQ(draw_progress({0, 10, "", none}, 30, false), "  0% >.................  0/10");
  EXPECT_EQ(draw_progress({10, 10, "", none}, 30, false), "100% =================  10/10");
  EXPECT_EQ(draw_progress({999, 1000, "", none}, 30, false), " 99% =============>  999/1000");
}

TEST(ConsoleSink, PlainLinesEveryLogEverySteps) {
  Screen screen;
  {
    Terminal terminal(screen.options());
    ConsoleOptions options;
    options.num_steps = 25;
    ConsoleSink sink(terminal, options, SteppingClock{});
    for (int step = 1; step <= 25; ++step)
      sink.write(step,
                 std::vector<MetricValue>{{"train/loss", step * 0.5}, {"speed/tokens_per_second", 100}});
    sink.write(25, std::vector<MetricValue>{{"eval/loss", 1.5}, {"eval/tokens", 21220}});
  }
  EXPECT_EQ(screen.text(),
            "step 1/25  loss 0.5000  100 tokens/s  ETA 00:24\n"
            "step 10/25  loss 5.0000  100 tokens/s  ETA 00:15\n"
            "step 20/25  loss 10.0000  100 tokens/s  ETA 00:05\n"
            "step 25/25  loss 12.5000  100 tokens/s\n"
            "step 25/25  eval  loss 1.5  tokens 21,220\n");
}

TEST(ConsoleSink, EvaluationsSayWhatTheLossWas) {
  Screen screen;
  {
    Terminal terminal(screen.options());
    ConsoleSink sink(terminal, {100, 1, 10}, SteppingClock{});
    sink.write(0, std::vector<MetricValue>{{"eval/loss", 7.25}});
    sink.write(50, std::vector<MetricValue>{{"eval/loss", 4.5}, {"gsm8k/exact_match", 0.25}});
  }
  EXPECT_EQ(screen.text(),
            "step 0/100  eval  loss 7.25\n"
            "step 50/100  eval  loss 4.5 (was 7.25)  gsm8k  exact_match 0.25\n");
}

TEST(ConsoleSink, LogEveryOneIsEveryStep) {
  Screen screen;
  {
    Terminal terminal(screen.options());
    ConsoleSink sink(terminal, {30, 1, 1}, SteppingClock{});
    for (int step = 1; step <= 30; ++step) sink.write(step, std::vector<MetricValue>{{"train/loss", 1}});
  }
  const std::string text = screen.text();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 30);
}

TEST(ConsoleSink, ResumedRunCountsItsOwnTimeOnly) {
  Screen screen;
  {
    Terminal terminal(screen.options());
    ConsoleOptions options;
    options.num_steps = 1000;
    options.first_step = 901;
    ConsoleSink sink(terminal, options, SteppingClock{});
    sink.write(901, std::vector<MetricValue>{{"train/loss", 1}});
  }
  EXPECT_EQ(screen.text(), "step 901/1000  loss 1.0000  ETA 01:39\n");
}

TEST(ConsoleSink, RedrawsOneLineOnATerminal) {
  Screen screen;
  {
    TerminalOptions abilities = screen.options();
    abilities.redraw = abilities.color = true;
    abilities.columns = 40;
    Terminal terminal(abilities);
    ConsoleOptions options;
    options.num_steps = 2;
    ConsoleSink sink(terminal, options, SteppingClock{});
    sink.write(1, std::vector<MetricValue>{{"train/loss", 2}});
    terminal.print("saved\x1b[2J");
    sink.write(2, std::vector<MetricValue>{{"train/loss", 1}});
  }
  EXPECT_EQ(screen.text(),
            "  0% >............................  0/2\r\x1b[K"
            " 50%  1/2  loss 2.0000  ETA 00:01\r\x1b[Ksaved?[2J\n"
            " 50%  1/2  loss 2.0000  ETA 00:01\r\x1b[K100% ================  2/2  loss 1.0000\n");
}

TEST(ConsoleSink, FastStepsAreNotAllDrawn) {
  Screen screen;
  {
    TerminalOptions abilities = screen.options();
    abilities.redraw = abilities.color = true;
    Terminal terminal(abilities);
    ConsoleOptions options;
    options.num_steps = 1000;
    ConsoleSink sink(terminal, options, SteppingClock{0.001});
    for (int step = 1; step <= 1000; ++step) sink.write(step, std::vector<MetricValue>{{"train/loss", 2}});
  }
  const std::string text = screen.text();
  const auto drawn = std::count(text.begin(), text.end(), '\r');
  EXPECT_LT(drawn, 60);
  EXPECT_NE(text.find("1000/1000"), std::string::npos);
}

TEST(ConsoleSink, TheTimeLeftIsOfTrainingAlone) {
  Screen screen;
  {
    Terminal terminal(screen.options());
    ConsoleSink sink(terminal, {10, 1, 1}, SteppingClock{1000});
    sink.write(0, std::vector<MetricValue>{{"eval/loss", 2}});
    sink.write(1, std::vector<MetricValue>{{"train/loss", 2}, {"speed/step_seconds", 4}});
    sink.write(1, std::vector<MetricValue>{{"eval/loss", 2}});
    sink.write(2, std::vector<MetricValue>{{"train/loss", 2}, {"speed/step_seconds", 2}});
  }
  EXPECT_EQ(screen.text(),
            "step 0/10  eval  loss 2\n"
            "step 1/10  loss 2.0000  ETA 00:36\n"
            "step 1/10  eval  loss 2 (was 2)\n"
            "step 2/10  loss 2.0000  ETA 00:24\n");
}

TEST(ConsoleSink, TheBarSaysWhatElseIsGoingOn) {
  Screen screen;
  {
    TerminalOptions abilities = screen.options();
    abilities.redraw = abilities.color = true;
    abilities.columns = 40;
    Terminal terminal(abilities);
    ConsoleSink sink(terminal, {4, 1, 1}, SteppingClock{});
    sink.set_activity("evaluating 1/2");
    sink.write(1, std::vector<MetricValue>{{"train/loss", 2}});
    sink.set_activity("saving");
    sink.set_activity("");
  }
  EXPECT_EQ(screen.text(),
            "  0% >............................  0/4\r\x1b[K"
            "  0% >............  0/4  evaluating 1/2\r\x1b[K"
            " 25%  1/4  loss 2.0000  ETA 00:06\r\x1b[K"
            " 25% ==>.....  1/4  loss 2.0000  saving\r\x1b[K"
            " 25%  1/4  loss 2.0000  ETA 00:06\n");
}

TEST(ConsoleSink, EveryPlainLineIsRecordedWhateverTheTerminal) {
  for (const bool redraw : {false, true}) {
    Screen screen;
    std::string record;
    TerminalOptions abilities = screen.options();
    abilities.redraw = redraw;
    abilities.quiet = redraw;
    Terminal terminal(abilities);
    ConsoleSink sink(terminal, {3, 1, 2, [&record](const std::string& line) { record += line + '\n'; }},
                     SteppingClock{0.001});
    for (int step = 1; step <= 3; ++step)
      sink.write(step, std::vector<MetricValue>{{"train/loss", 1}, {"speed/step_seconds", 1}});
    sink.write(3, std::vector<MetricValue>{{"eval/loss", 1.5}});
    EXPECT_EQ(record,
              "step 1/3  loss 1.0000  ETA 00:02\nstep 2/3  loss 1.0000  ETA 00:01\nstep 3/3  loss 1.0000\n"
              "step 3/3  eval  loss 1.5\n");
  }
}

TEST(ConsoleSink, QuietSaysNothing) {
  Screen screen;
  {
    TerminalOptions abilities = screen.options();
    abilities.quiet = true;
    Terminal terminal(abilities);
    ConsoleSink sink(terminal, {10, 1, 1}, SteppingClock{});
    sink.write(1, std::vector<MetricValue>{{"train/loss", 2}});
    terminal.print("look out", Terminal::Tone::kWarning);
  }
  EXPECT_EQ(screen.text(), "look out\n");
}

TEST(Terminal, ColorsOnlyWhereAllowed) {
  Screen screen;
  {
    TerminalOptions abilities = screen.options();
    abilities.color = true;
    Terminal terminal(abilities);
    terminal.print("bad", Terminal::Tone::kError);
    terminal.print("good");
  }
  EXPECT_EQ(screen.text(), "\x1b[31mbad\x1b[0m\ngood\n");
}

TEST(Terminal, WithoutColourTheStatusIsWipedByBlanks) {
  Screen screen;
  {
    TerminalOptions abilities = screen.options();
    abilities.redraw = true;
    Terminal terminal(abilities);
    terminal.set_status("카라반 1/2");
    terminal.print("saved");
    terminal.set_status("");
  }
  const std::string wiped = "\r" + std::string(10, ' ') + "\r";
  EXPECT_EQ(screen.text(), "카라반 1/2" + wiped + "saved\n카라반 1/2" + wiped);
}

TEST(Terminal, AStatusIsCutByColumnsAndNotByLetters) {
  Screen screen;
  {
    TerminalOptions abilities = screen.options();
    abilities.redraw = true;
    abilities.columns = 8;
    Terminal terminal(abilities);
    terminal.set_status("가나다라마");
  }
  EXPECT_EQ(screen.text(), "가나다\n");
}

TEST(DisplayColumns, LettersOfKoreanTakeTwo) {
  EXPECT_EQ(display_columns("loss ━┄"), 7u);
  EXPECT_EQ(display_columns("한국어 🐪"), 9u);
  EXPECT_EQ(display_columns("é\xff\xbf"), 2u);
  EXPECT_EQ(display_columns(""), 0u);
}

TEST(Terminal, APipeIsNoTerminal) {
  Screen screen;
  const TerminalOptions found = detect_terminal(screen.options().descriptor, false);
  EXPECT_FALSE(found.redraw);
  EXPECT_FALSE(found.color);
}

TEST(FormatDuration, ReadsAsPeopleWriteIt) {
  EXPECT_EQ(format_duration(0), "00:00");
  EXPECT_EQ(format_duration(59.6), "01:00");
  EXPECT_EQ(format_duration(3723), "1:02:03");
  EXPECT_EQ(format_duration(3 * 86400 + 4 * 3600 + 5 * 60), "3 d 04:05");
  EXPECT_EQ(format_duration(-1), "?");
}

}  // namespace
}  // namespace caravan::trainer
