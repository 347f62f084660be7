#include "recipes/launch/rank_team.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

#include "data/error.h"
#include "recipes/launch/rank_process.h"
#include "trainer/metrics/terminal.h"

namespace caravan::recipes {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kGrace{20};
constexpr int kStopped = 75, kPeerLost = 76;

// Signals as something to wait on; as they were before once this is gone.
class Signals {
 public:
  Signals() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD}) sigaddset(&wanted, number);
    sigprocmask(SIG_BLOCK, &wanted, &before_);
    descriptor_ = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    pipe_before_ = signal(SIGPIPE, SIG_IGN);
  }
  ~Signals() {
    close(descriptor_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    signal(SIGPIPE, pipe_before_);
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int descriptor() const { return descriptor_; }
  // The next one that is to be handed on; 0: none.
  int next() const {
    signalfd_siginfo info{};
    while (read(descriptor_, &info, sizeof info) == sizeof info)
      if (info.ssi_signo != SIGCHLD) return static_cast<int>(info.ssi_signo);
    return 0;
  }

 private:
  sigset_t before_{};
  sighandler_t pipe_before_ = SIG_DFL;
  int descriptor_ = -1;
};

bool has_failed(const RankProcess& rank) {
  return rank.has_ended() && rank.status() != 0 && rank.status() != kStopped;
}

std::string describe_end(const RankProcess& rank) {
  const std::string who = "rank " + std::to_string(rank.rank());
  if (rank.status() >= 0) return who + " ended with code " + std::to_string(rank.status());
  const char* name = sigabbrev_np(-rank.status());
  return who + " was killed by " +
         (name ? "SIG" + std::string(name) : "signal " + std::to_string(-rank.status()));
}

class Team {
 public:
  explicit Team(const TeamOptions& options) {
    for (int i = 0; i < options.ranks_here; ++i) start(options, i);
  }

  TeamEnd run() {
    while (!all_ended()) {
      wait_for_something();
      for (const auto& rank : ranks_)
        for (const int index : {0, 1}) rank->pass_on(index);
      for (const auto& rank : ranks_)
        if (!rank->has_ended() && rank->poll_end()) ended_.push_back(rank.get());
      hand_on_signals();
      end_the_others();
    }
    for (const auto& rank : ranks_)
      for (const int index : {0, 1}) rank->pass_on(index);
    return end();
  }

 private:
  void start(const TeamOptions& options, int local_rank) {
    const int rank = options.first_rank + local_rank;
    const std::map<std::string, std::string> variables{
        {"RANK", std::to_string(rank)},
        {"WORLD_SIZE", std::to_string(options.num_ranks)},
        {"LOCAL_RANK", std::to_string(local_rank)},
        {"LOCAL_WORLD_SIZE", std::to_string(options.ranks_here)},
        {"MASTER_ADDR", options.master_host},
        {"MASTER_PORT", std::to_string(options.master_port)},
        {"CARAVAN_LAUNCH_ID", options.launch_id}};
    const bool color = trainer::detect_terminal(STDERR_FILENO, false).color;
    const std::string name = "[rank " + std::to_string(rank) + "] ";
    ranks_.push_back(std::make_unique<RankProcess>(rank, options.words, variables,
                                                   color ? "\033[2m" + name + "\033[0m" : name));
  }

  bool all_ended() const {
    return std::all_of(ranks_.begin(), ranks_.end(), [](const auto& rank) { return rank->has_ended(); });
  }

  void wait_for_something() const {
    std::vector<pollfd> ready{{signals_.descriptor(), POLLIN, 0}};
    for (const auto& rank : ranks_)
      for (const int index : {0, 1})
        if (rank->pipe(index) >= 0) ready.push_back({rank->pipe(index), POLLIN, 0});
    poll(ready.data(), ready.size(), 500);
  }

  void hand_on_signals() {
    while (const int number = signals_.next()) {
      was_told_ = true;
      tell_all(number == SIGHUP ? SIGTERM : number);
    }
  }

  void tell_all(int number) const {
    for (const auto& rank : ranks_) {
      rank->signal(number);
      rank->signal(SIGCONT);  // one that was stopped would not hear it
    }
  }

  void end_the_others() {
    if (failed_at_ == Clock::time_point{} &&
        std::any_of(ended_.begin(), ended_.end(),
                    [](const RankProcess* rank) { return has_failed(*rank); })) {
      failed_at_ = Clock::now();
      tell_all(SIGTERM);
    }
    if (failed_at_ != Clock::time_point{} && Clock::now() - failed_at_ > kGrace) tell_all(SIGKILL);
  }

  TeamEnd end() const {
    const RankProcess* cause = nullptr;
    for (const RankProcess* rank : ended_)
      if (rank->status() != 0 && (cause == nullptr || (is_aftermath(*cause) && !is_aftermath(*rank))))
        cause = rank;
    TeamEnd end;
    end.was_told = was_told_;
    if (cause == nullptr) return end;
    end.code = cause->status() > 0 ? cause->status() : kPeerLost;
    if (end.code != kStopped) end.cause = describe_end(*cause);
    return end;
  }

  // Codes of ranks that end because another one did.
  static bool is_aftermath(const RankProcess& rank) {
    return rank.status() == kPeerLost || rank.status() == kStopped;
  }

  Signals signals_;
  std::vector<std::unique_ptr<RankProcess>> ranks_;
  std::vector<const RankProcess*> ended_;  // in the order in which they did
  Clock::time_point failed_at_{};
  bool was_told_ = false;
};

}  // namespace

TeamEnd run_team(const TeamOptions& options) {
  return Team(options).run();
}

int free_port() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool found = listener >= 0 &&
                     bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (listener >= 0) close(listener);
  if (!found)
    throw data::Error(data::Error::Kind::kInputOutput, std::string("launch: no free port: ") +
                                                           std::strerror(errno) + "; name one with --master");
  return ntohs(address.sin_port);
}

}  // namespace caravan::recipes
