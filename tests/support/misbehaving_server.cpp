// A server of the OpenAI API that misbehaves on purpose: a process of its own, so that what a client meets is
// a real network peer.
//
//   misbehaving_server PORT_FILE LOG_FILE [PORT]
//
// The port it listens on (127.0.0.1) goes to PORT_FILE; every request to LOG_FILE as a JSON line. The model
// `misbehaves` does what the last message says, a word and its numbers, see misbehave(); other models answer
// by simple rules, see text_of().
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>

namespace {

using Json = nlohmann::json;

std::mutex g_mutex;
std::map<std::string, int> g_times_asked;  // by text of the last message
std::ofstream g_log;
int g_connections = 0;

struct Request {
  std::string path, authorization;
  Json body;
};

bool send_all(int socket, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t put = ::send(socket, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (put <= 0) return false;
    at += static_cast<std::size_t>(put);
  }
  return true;
}

bool send_reply(int socket, int status, const std::string& body, const std::string& headers = "",
                long length = -1) {
  return send_all(socket, "HTTP/1.1 " + std::to_string(status) +
                              " Status\r\nContent-Type: application/json\r\n" + headers + "Content-Length: " +
                              std::to_string(length < 0 ? static_cast<long>(body.size()) : length) +
                              "\r\n\r\n" + body);
}

std::string answer(const Request& request, const std::string& text, const std::string& finish = "stop") {
  const bool chat = request.path.ends_with("/chat/completions");
  Json choice{{"index", 0}, {"finish_reason", finish}};
  if (chat)
    choice["message"] = {{"role", "assistant"}, {"content", text}};
  else
    choice["text"] = text;
  return Json{{"choices", Json::array({choice})},
              {"usage", {{"prompt_tokens", 10}, {"completion_tokens", 5}, {"total_tokens", 15}}}}
      .dump();
}

// The key as a server may quote it: 0 in error.message, 1 in another member, 2 in JSON inside the message, 3
// where the first 300 bytes end.
std::string quoted_key(const Request& request, int where) {
  std::string slashes, codes;
  for (const char c : request.authorization) {
    slashes += c == '/' ? "\\/" : std::string(1, c);
    codes += c == '/' ? "\\u002F" : std::string(1, c);
  }
  if (where == 0) return "{\"error\":{\"message\":\"no: " + slashes + " or " + codes + "\"}}";
  if (where == 1) return "{\"detail\":\"no: " + slashes + "\"}";
  if (where == 2) return Json{{"error", {{"message", "{\"detail\":\"" + slashes + "\"}"}}}}.dump();
  return "{\"error\":\"" + std::string(280, '.') + slashes + "\"}";
}

void pause(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// False where the connection ends with it. `times`: how often this was asked, this time included.
bool misbehave(int socket, const Request& request, const std::string& text, int times) {
  std::istringstream words(text);
  std::string what;
  double number = 0, second = 0;
  words >> what >> number >> second;
  const std::string good = answer(request, "done: " + text);
  if (what == "slow") {
    pause(number);
    return send_reply(socket, 200, good);
  }
  if (what == "never") {
    pause(3600);
    return false;
  }
  if (what == "cut") {  // in the middle of the body, `number` times
    if (times > number) return send_reply(socket, 200, good);
    send_reply(socket, 200, good.substr(0, good.size() / 2), "", static_cast<long>(good.size()));
    return false;
  }
  if (what == "status")  // that status, `second` times
    return times > second ? send_reply(socket, 200, good)
                          : send_reply(socket, static_cast<int>(number),
                                       "{\"error\":{\"message\":\"no: " + request.authorization + "\"}}");
  if (what == "retry_after")
    return times > 1 ? send_reply(socket, 200, good)
                     : send_reply(socket, 429, "{}",
                                  "Retry-After: " + std::to_string(static_cast<int>(number)) + "\r\n");
  if (what == "redirect") return send_reply(socket, 307, "", "Location: http://127.0.0.1:1/elsewhere\r\n");
  if (what == "invalid_json")
    return times > number ? send_reply(socket, 200, good) : send_reply(socket, 200, "{\"choices\": [");
  if (what == "wrong_schema") return send_reply(socket, 200, "{\"choices\":[{\"message\":{\"content\":7}}]}");
  if (what == "deep") return send_reply(socket, 200, std::string(1 << 20, '['));
  if (what == "not_utf8")
    return send_reply(socket, 200, "{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}");
  if (what == "huge")
    return send_reply(socket, 200, answer(request, std::string(static_cast<std::size_t>(number), 'x')));
  if (what == "endless") {  // without a length, until the peer has enough
    send_all(socket, "HTTP/1.1 200 OK\r\n\r\n");
    while (send_all(socket, std::string(65536, ' '))) {
    }
    return false;
  }
  if (what == "long_length") {  // promises more than comes
    send_reply(socket, 200, good, "", static_cast<long>(good.size()) + 10);
    return false;
  }
  if (what == "short_length") {  // more comes than was promised
    send_reply(socket, 200, good, "", static_cast<long>(good.size()) - 10);
    return false;
  }
  if (what == "no_http") {
    send_all(socket, "220 mail.example ESMTP\r\n");
    return false;
  }
  if (what == "refusal")
    return send_reply(socket, 200, "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"no\"}}]}");
  if (what == "tells_key") return send_reply(socket, 200, answer(request, request.authorization));
  if (what == "quotes_key") return send_reply(socket, 401, quoted_key(request, static_cast<int>(number)));
  if (what == "answers_key")
    return send_reply(socket, 200, answer(request, quoted_key(request, static_cast<int>(number))));
  if (what == "length") return send_reply(socket, 200, answer(request, "half an ans", "length"));
  if (what == "no_usage")
    return send_reply(socket, 200, "{\"choices\":[{\"message\":{\"content\":\"free\"}}]}");
  return send_reply(socket, 200, good);
}

std::uint32_t hash_of(const std::string& text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

// What follows the last `mark`, up to the line's end.
std::string after(const std::string& text, const std::string& mark) {
  const std::size_t at = text.rfind(mark);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + mark.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

// Models that behave. `judge`: a rating for each numbered answer, by the number that ends its line "quality
// N"; one that says "unreadable" makes it babble; `judge_after_N` takes N seconds. `sums`: works "What is A +
// B?" out, wrong for odd seeds. `teacher`: a new text for each text and seed.
std::string text_of(const std::string& model, const std::string& text, std::uint64_t seed, int times) {
  if (model == "judge" || model == "moody_judge") {
    if (text.find("unreadable") != std::string::npos || (model == "moody_judge" && times == 1))
      return "I would rather not say.";
    std::string out;
    int number = 0;
    for (std::size_t at = 0; (at = text.find("quality ", at)) != std::string::npos; ++at)
      out += "## Answer " + std::to_string(++number) + "\nRating: " + text.substr(at + 8, 1) +
             "\nReason: so it is.\n\n";
    return out;
  }
  if (model == "sums") {
    int a = 0, b = 0;
    const std::size_t at = text.rfind("What is ");
    if (at != std::string::npos) std::sscanf(text.c_str() + at, "What is %d + %d", &a, &b);
    const int sum = a + b + (seed % 2 == 0 ? 0 : 1);
    return "It is so.\n#### " + std::to_string(sum);
  }
  if (model.starts_with("quality_")) return "An answer of " + model + " to this.\nquality " + model.substr(8);
  if (model == "same") return "The same answer.";
  const std::string subject = after(text, "Person: ") + after(text, "Task: ");
  return "What is " + std::to_string(hash_of(subject + text) % 1000) + " + " + std::to_string(seed % 1000) +
         "? asked for " + (subject.empty() ? std::to_string(hash_of(text)) : subject);
}

bool serve(int socket, const Request& request) {
  const Json& body = request.body;
  std::string text = body.contains("messages") ? body["messages"].back()["content"].get<std::string>()
                                               : body.value("prompt", "");
  std::string model = body.value("model", "");
  int times = 0;
  {
    const std::lock_guard lock(g_mutex);
    times = ++g_times_asked[model + text];
  }
  if (model == "misbehaves") return misbehave(socket, request, text, times);
  if (const std::string slow = "judge_after_"; model.starts_with(slow)) {
    pause(std::stod(model.substr(slow.size())));
    model = "judge";
  }
  return send_reply(socket, 200,
                    answer(request, text_of(model, text, body.value("seed", std::uint64_t{0}), times)));
}

std::string header(const std::string& head, const std::string& name) {
  const std::size_t at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void talk(int socket) {
  int connection = 0;
  {
    const std::lock_guard lock(g_mutex);
    connection = ++g_connections;
  }
  std::string bytes;
  char buffer[65536];
  for (;;) {
    std::size_t head_end = 0;
    while ((head_end = bytes.find("\r\n\r\n")) == std::string::npos) {
      const ssize_t got = ::recv(socket, buffer, sizeof(buffer), 0);
      if (got <= 0) return void(::close(socket));
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
    const std::string head = bytes.substr(0, head_end + 2);
    const std::size_t length = std::stoul("0" + header(head, "Content-Length"));
    while (bytes.size() < head_end + 4 + length) {
      const ssize_t got = ::recv(socket, buffer, sizeof(buffer), 0);
      if (got <= 0) return void(::close(socket));
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
    Request request;
    request.path = head.substr(head.find(' ') + 1, head.find(' ', head.find(' ') + 1) - head.find(' ') - 1);
    request.authorization = header(head, "Authorization");
    request.body = Json::parse(bytes.substr(head_end + 4, length), nullptr, false);
    bytes.erase(0, head_end + 4 + length);
    {
      const std::lock_guard lock(g_mutex);
      g_log << Json{{"path", request.path},
                    {"authorization", request.authorization},
                    {"connection", connection},
                    {"body", request.body}}
                   .dump()
            << std::endl;
    }
    if (!serve(socket, request)) return void(::close(socket));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  signal(SIGPIPE, SIG_IGN);
  g_log.open(argv[2], std::ios::app);
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(argc > 3 ? std::stoi(argv[3]) : 0));
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 128) != 0)
    return 1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  // Renamed, so that a reader never sees half of it.
  std::ofstream(std::string(argv[1]) + ".new") << ntohs(address.sin_port) << std::endl;
  std::rename((std::string(argv[1]) + ".new").c_str(), argv[1]);
  for (;;) {
    const int socket = accept(listener, nullptr, nullptr);
    if (socket < 0) continue;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    std::thread(talk, socket).detach();
  }
}
