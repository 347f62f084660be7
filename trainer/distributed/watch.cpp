#include "trainer/distributed/watch.h"

#include <algorithm>
#include <utility>

#include "trainer/error.h"

namespace caravan::trainer {

using namespace std::chrono_literals;

namespace {

constexpr const char* kFirstError = "first_error";
// How long the thread that computes may go on before the process is ended for it.
constexpr auto kGrace = 10s;
constexpr auto kLinger = 5s;

std::chrono::milliseconds period_of(std::chrono::milliseconds timeout) {
  return std::clamp<std::chrono::milliseconds>(timeout / 20, 50ms, 1s);
}

std::string heard_key(int rank) {
  return "heard/" + std::to_string(rank);
}

std::string text_of(const std::vector<std::uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

// LibTorch's errors carry the place in its sources and the stack; the first line says it.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string Watch::beat_key(int rank) {
  return "beat/" + std::to_string(rank);
}

void Watch::announce(c10d::Store& store, int rank, const std::string& host) {
  // So that it can be read at any time; where a rank failed already this changes nothing.
  store.compareSet(kFirstError, std::string(), std::string());
  PeerState state;
  state.host = host;
  store.set(beat_key(rank), to_text(state));
}

// The first one wins, also against another rank that tells now.
LostRank Watch::tell(c10d::Store& store, const LostRank& lost) {
  const std::string winner = store.compareSet(kFirstError, std::string(), to_text(lost));
  return parse_lost_rank(winner).value_or(lost);
}

std::optional<LostRank> Watch::heard(c10d::Store& store) {
  return store.check({kFirstError}) ? parse_lost_rank(store.get_to_str(kFirstError)) : std::nullopt;
}

Watch::Watch(c10::intrusive_ptr<c10d::Store> store, WatchOptions options)
    : store_(std::move(store)),
      options_(std::move(options)),
      period_(period_of(options_.timeout)),
      judge_(options_.timeout,
             std::max<std::chrono::milliseconds>(
                 3 * period_, std::min<std::chrono::milliseconds>(options_.timeout / 4, 5s))),
      last_exchange_(Clock::now()) {
  own_.host = options_.host;
  if (options_.rank != 0) watched_ = {0};
  for (int rank = 0; options_.rank == 0 && rank < options_.size; ++rank) watched_.push_back(rank);
  beats_ = std::jthread([this] { beat_loop(); });
  guard_ = std::jthread([this] { guard_loop(); });
}

Watch::~Watch() {
  {
    std::unique_lock lock(mutex_);
    if (lost_ && options_.holds_store) changed_.wait_for(lock, kLinger, [this] { return all_heard_; });
    stop_ = true;
    changed_.notify_all();
    // A store that does not answer would keep its thread for good; the process is about to end.
    if (lost_ && Clock::now() - last_exchange_ > 4 * period_) beats_.detach();
  }
  if (guard_.joinable()) guard_.join();
}

void Watch::set_step(std::int64_t step) {
  const std::lock_guard lock(mutex_);
  own_.step = step;
  note_progress();
}

void Watch::set_section(const std::string& section, std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  own_.section = section;
  own_.patience_ms = patience.count();
  events_.add("section", own_.step, section);
  note_progress();
}

std::uint64_t Watch::begin(const std::string& call) {
  throw_if_lost();
  const std::lock_guard lock(mutex_);
  own_.call = call;
  events_.add("begin", own_.step, call);
  return ++own_.entered;
}

void Watch::wait(std::uint64_t number, const std::string& call, Completion& completion) {
  const auto mark = [&](std::uint64_t waiting_in) {
    const std::lock_guard lock(mutex_);
    own_.waiting_in = waiting_in;
    if (waiting_in > 0) own_.call = call;
  };
  const auto is_done = [&](std::chrono::milliseconds longest) {
    std::unique_lock lock(completion.mutex);
    return completion.changed.wait_for(lock, longest, [&] { return completion.done; });
  };
  if (!is_done(0ms)) {
    mark(number);
    while (!is_done(20ms)) throw_if_lost();
    mark(0);
  }
  events_.add("done", own_.step, call);
  note_progress();
}

void Watch::broken(const std::string& call, const std::string& error) {
  std::unique_lock lock(mutex_);
  own_.broken = true;
  own_.call = call;
  events_.add("broken", own_.step, call + ": " + first_line(error));
  changed_.notify_all();
  changed_.wait_for(lock, options_.timeout + 5 * period_, [this] { return lost_.has_value(); });
  if (!lost_) {
    lost_ =
        LostRank{options_.rank, options_.host, own_.step,
                 "lost a connection in `" + call + "`, and no other rank is missing: " + first_line(error),
                 static_cast<int>(Error::Kind::kPeerLost)};
    lost_at_ = Clock::now();
    to_publish_ = lost_;
  }
  throw_lost();
}

bool Watch::is_lost() {
  const std::lock_guard lock(mutex_);
  return lost_.has_value();
}

void Watch::throw_if_lost() {
  const std::lock_guard lock(mutex_);
  if (!lost_) return;
  throw_lost();
}

// With the lock held.
void Watch::throw_lost() {
  ending_ = true;
  const bool stopped = lost_->exit_code == static_cast<int>(Error::Kind::kStopped);
  throw Error(stopped ? Error::Kind::kStopped : Error::Kind::kPeerLost, lost_->sentence());
}

void Watch::set_device_poll(std::function<std::optional<std::uint64_t>()> poll) {
  const std::lock_guard lock(mutex_);
  poll_ = std::move(poll);
}

void Watch::set_lost(const LostRank& lost) {
  const std::lock_guard lock(mutex_);
  if (lost_) return;
  events_.add("lost", own_.step, lost.sentence());
  lost_ = lost;
  lost_at_ = Clock::now();
  changed_.notify_all();
}

void Watch::fail(const std::string& error, int exit_code) noexcept {
  try {
    std::unique_lock lock(mutex_);
    if (lost_) return;  // the others know what ended this rank
    const std::string when =
        own_.step > 0 ? "in step " + std::to_string(own_.step) : std::string("before the first step");
    to_publish_ =
        LostRank{options_.rank, options_.host, own_.step,
                 "failed " + when + (own_.section.empty() ? "" : ", `" + own_.section + "`") + ": " + error,
                 exit_code};
    ending_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, kGrace, [this] { return lost_.has_value(); });
  } catch (...) {
    // What ended this rank is being told already; the others find it silent.
  }
}

void Watch::leave() {
  std::unique_lock lock(mutex_);
  own_.left = true;
  changed_.notify_all();
  const auto told = [&] { return lost_ || (told_left_ && (all_left_ || !options_.holds_store)); };
  while (!changed_.wait_for(lock, period_, told)) {
  }
  if (!lost_) return;
  throw_lost();
}

bool Watch::stopping() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

bool Watch::told_left() {
  const std::lock_guard lock(mutex_);
  return told_left_;
}

void Watch::beat_loop() {
  while (!stopping() && !(told_left() && !options_.holds_store)) {
    try {
      exchange();
    } catch (const std::exception& error) {
      if (!stopping()) set_lost(store_is_gone("is lost: " + first_line(error.what())));
      return;
    }
    std::unique_lock lock(mutex_);
    const Clock::time_point now = Clock::now();
    if (now - last_exchange_ > options_.timeout / 2) judge_.forgive(now);
    last_exchange_ = now;
    changed_.notify_all();
    const bool was_broken = own_.broken, was_left = own_.left;
    changed_.wait_for(
        lock, was_left || lost_ ? std::min<std::chrono::milliseconds>(period_, 50ms) : period_,
        [&] { return stop_ || to_publish_ || own_.broken != was_broken || own_.left != was_left; });
  }
}

void Watch::exchange() {
  PeerState state;
  std::optional<LostRank> to_publish;
  std::function<std::optional<std::uint64_t>()> poll;
  {
    const std::lock_guard lock(mutex_);
    ++own_.beat;
    own_.progress = progress_;
    if (options_.wants_stop && options_.wants_stop()) stop_wanted_ = true;
    own_.wants_stop = stop_wanted_;
    state = own_;
    to_publish = std::exchange(to_publish_, std::nullopt);
    poll = poll_;
  }
  if (poll && state.waiting_in == 0) state.waiting_in = poll().value_or(0);
  store_->set(beat_key(options_.rank), to_text(state));
  if (state.left) {
    const std::lock_guard lock(mutex_);
    told_left_ = true;
    // From here on the store may end at any time.
    if (!options_.holds_store) return;
  }
  if (to_publish) set_lost(tell(*store_, *to_publish));
  std::vector<std::string> keys{kFirstError};
  for (const int rank : watched_) keys.push_back(beat_key(rank));
  read_others(store_->multiGet(keys));
}

void Watch::read_others(const std::vector<std::vector<std::uint8_t>>& values) {
  if (const auto lost = parse_lost_rank(text_of(values[0]))) {
    store_->set(heard_key(options_.rank), std::string("1"));
    set_lost(*lost);
  }
  bool all_left = true;
  std::vector<std::string> unheard;
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const auto state = parse_peer_state(text_of(values[i + 1]));
    if (!state) continue;
    judge_.see(watched_[i], *state, Clock::now());
    all_left = all_left && state->left;
    if (state->wants_stop) stop_wanted_ = true;
    if (!state->left) unheard.push_back(heard_key(watched_[i]));
  }
  bool lost = false, heard = false;
  {
    const std::lock_guard lock(mutex_);
    all_left_ = all_left;
    lost = lost_.has_value();
    if (lost) std::erase(unheard, heard_key(lost_->rank));
  }
  if (lost && options_.holds_store) heard = unheard.empty() || store_->check(unheard);
  const std::optional<Verdict> verdict = lost ? std::nullopt : judge_.judge(Clock::now());
  if (verdict) set_lost(tell(*store_, {verdict->rank, verdict->host, verdict->step, verdict->text, 0}));
  const std::lock_guard lock(mutex_);
  all_heard_ = heard;
  changed_.notify_all();
}

LostRank Watch::store_is_gone(const std::string& error) const {
  const std::string store = "the store at " + options_.store_name;
  const std::string what = " " + error + "; look at its output, and there for an out-of-memory kill";
  if (!options_.store_in_rank_0) return {-1, "", 0, "the launcher is gone or stopped: " + store + what, 0};
  return {0, options_.store_host, 0, "is gone or stopped: " + store + ", which it holds," + what, 0};
}

void Watch::guard_loop() {
  Clock::time_point awake = Clock::now();
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, period_, [this] { return stop_; })) {
    const Clock::time_point now = Clock::now();
    // Where this process stood still, or has nothing to exchange any more, nobody is late.
    if (now - awake > options_.timeout / 2 || (told_left_ && !options_.holds_store)) last_exchange_ = now;
    awake = now;
    if (!lost_ && now - last_exchange_ > options_.timeout) {
      lock.unlock();
      set_lost(store_is_gone("has not answered for " + seconds_text(options_.timeout)));
      lock.lock();
    }
    if (lost_ && now - lost_at_ > (ending_ ? 2 * kGrace : kGrace)) {
      const std::string sentence = lost_->sentence();
      lock.unlock();
      options_.abandon(sentence, events_.to_jsonl());
      return;
    }
  }
}

}  // namespace caravan::trainer
