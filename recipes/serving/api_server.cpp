#include "recipes/serving/api_server.h"

#include <arpa/inet.h>
#include <httplib.h>

#include <chrono>
#include <functional>

#include "data/error.h"
#include "models/error.h"
#include "recipes/serving/api_error.h"
#include "recipes/serving/bounded_server.h"

namespace caravan::recipes {
namespace {

using data::Json;

// A name that only begins like an address of this machine may lead anywhere.
bool is_loopback(const std::string& host) {
  in_addr address{};
  if (inet_pton(AF_INET, host.c_str(), &address) == 1) return ntohl(address.s_addr) >> 24 == 127;
  return host == "localhost" || host == "::1" || host == "[::1]";
}

// The name of a Host header, without its port.
std::string host_name(const std::string& header) {
  if (header.starts_with('[')) return header.substr(0, header.find(']') + 1);
  return header.substr(0, header.find(':'));
}

// The name of an Origin header: "http://localhost:3000".
std::string origin_name(const std::string& header) {
  const std::size_t scheme = header.find("://");
  return scheme == std::string::npos ? header : host_name(header.substr(scheme + 3));
}

// As long for a wrong token as for the right one.
bool same_token(const std::string& found, const std::string& wanted) {
  unsigned difference = found.size() == wanted.size() ? 0u : 1u;
  for (std::size_t i = 0; i < found.size(); ++i)
    difference |=
        static_cast<unsigned char>(found[i]) ^ static_cast<unsigned char>(wanted[i % wanted.size()]);
  return difference == 0;
}

const char* type_of(int status) {
  if (status == 401 || status == 403) return "authentication_error";
  if (status == 404) return "not_found_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

void write_json(httplib::Response& response, int status, const Json& json) {
  response.status = status;
  response.set_content(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n", "application/json");
}

void write_error(httplib::Response& response, int status, const std::string& message) {
  write_json(response, status,
             {{"error", {{"message", message}, {"type", type_of(status)}, {"code", status}}}});
}

void answer(httplib::Response& response, const std::function<Json()>& make) {
  try {
    write_json(response, 200, make());
  } catch (const ApiError& error) {
    write_error(response, error.status(), error.what());
  } catch (const data::Error& error) {
    write_error(response, 400, error.what());
  } catch (const models::Error& error) {
    write_error(response, 400, error.what());
  } catch (const std::exception& error) {
    write_error(response, 500, error.what());
  }
}

}  // namespace

void check_binding(const ServingOptions& options) {
  if (is_loopback(options.host) || !options.token.empty()) return;
  throw data::Error(
      data::Error::Kind::kUnsafe,
      "--host " + options.host +
          " would let anyone who reaches this machine use the model; give --token-file FILE, or "
          "serve on 127.0.0.1");
}

ApiServer::ApiServer(ModelApi& api, const ServingOptions& options)
    : api_(api),
      options_(options),
      server_(std::make_unique<BoundedServer>(RequestLimits{.body_bytes = options.body_bytes})) {
  check_binding(options);
  server_->set_write_timeout(30);
  server_->set_tcp_nodelay(true);
  // The library's own options let a second server have the same port, and the two would share the clients.
  server_->set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server_->new_task_queue = [this] {
    return new httplib::ThreadPool(static_cast<std::size_t>(options_.connections));
  };
  add_routes();
  const int wanted = static_cast<int>(options.port);
  port_ = wanted;
  const bool bound = wanted == 0 ? (port_ = server_->bind_to_any_port(options.host)) > 0
                                 : server_->bind_to_port(options.host, wanted);
  if (!bound)
    throw data::Error(data::Error::Kind::kInputOutput,
                      options.host + ":" + std::to_string(wanted) +
                          " cannot be bound; is another server there? --port 0 takes any that is free");
  listener_ = std::thread([this] { server_->listen_after_bind(); });
  // A stop() before that would be lost.
  while (!server_->is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

ApiServer::~ApiServer() {
  stop();
  if (listener_.joinable()) listener_.join();
}

void ApiServer::stop() {
  server_->stop();
}

bool ApiServer::may_ask(const httplib::Request& request, httplib::Response& response) const {
  const std::string encoding = request.get_header_value("Content-Encoding");
  if (!encoding.empty() && encoding != "identity") {
    write_error(response, 415, "Content-Encoding: compressed bodies are not read; send it as it is");
    return false;
  }
  if (options_.token.empty()) {
    const std::string host = host_name(request.get_header_value("Host"));
    const std::string origin = origin_name(request.get_header_value("Origin"));
    const bool own_host = host.empty() || is_loopback(host);
    if (own_host && (origin.empty() || is_loopback(origin))) return true;
    write_error(response, 403,
                "the " +
                    (own_host ? "Origin header names " + origin.substr(0, 80)
                              : "Host header names " + host.substr(0, 80)) +
                    "; without a token this server answers requests from and to localhost only");
    return false;
  }
  if (request.path == "/health") return true;
  const std::string header = request.get_header_value("Authorization");
  if (header.starts_with("Bearer ") && same_token(header.substr(7), options_.token)) return true;
  write_error(response, 401,
              "the header Authorization: Bearer TOKEN is missing, or its token is another one");
  return false;
}

void ApiServer::add_routes() {
  server_->set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    return may_ask(request, response) ? httplib::Server::HandlerResponse::Unhandled
                                      : httplib::Server::HandlerResponse::Handled;
  });
  const auto post = [this](const char* path, std::function<Json(const Json&)> make) {
    server_->Post(path,
                  [make = std::move(make)](const httplib::Request& request, httplib::Response& response) {
                    answer(response, [&] { return make(parse_body(request.body)); });
                  });
  };
  const auto get = [this](const char* path, std::function<Json()> make) {
    server_->Get(path, [make = std::move(make)](const httplib::Request&, httplib::Response& response) {
      answer(response, make);
    });
  };
  post("/v1/completions", [this](const Json& body) { return api_.completions(body); });
  post("/v1/chat/completions", [this](const Json& body) { return api_.chat_completions(body); });
  post("/tokenize", [this](const Json& body) { return api_.tokenize(body); });
  post("/detokenize", [this](const Json& body) { return api_.detokenize(body); });
  get("/v1/models", [this] { return api_.models(); });
  get("/tokenizer_info", [this] { return api_.tokenizer_info(); });
  get("/health", [] { return Json{{"status", "ok"}}; });
  server_->set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    const int status = response.status;
    if (status == 413)
      write_error(response, status,
                  "the body is larger than " + std::to_string(options_.body_bytes) + " bytes");
    else if (status == 404)
      write_error(response, status,
                  request.method + " " + request.path.substr(0, 80) +
                      " is not here; there are POST /v1/completions, /v1/chat/completions, "
                      "/tokenize, /detokenize and GET /v1/models, /tokenizer_info, /health");
    else
      write_error(response, status, "the request cannot be read");
  });
}

}  // namespace caravan::recipes
