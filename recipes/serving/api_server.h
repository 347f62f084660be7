// The API on a socket: routes, limits, who may ask.
//
// Promise: never bound beyond this machine without a token; without one, requests that a web page made a
// browser send here (another Host or Origin) are refused too. Headers, bodies, times, connections and the
// queue are bounded.
// Every error is JSON {"error": {"message", "type", "code"}}.
#pragma once

#include <memory>
#include <thread>

#include "recipes/serving/model_api.h"
#include "recipes/serving/serving_options.h"

namespace httplib {
struct Request;
struct Response;
}  // namespace httplib

namespace caravan::recipes {

class BoundedServer;

// Throws data::Error: usage where `host` is not of this machine and there is no token.
void check_binding(const ServingOptions& options);

class ApiServer {
 public:
  // Binds and answers from now on, on threads of its own. Throws data::Error (input/output) where the port
  // cannot be had. Both must outlive this.
  ApiServer(ModelApi& api, const ServingOptions& options);
  // Lets answers that are being sent go out first.
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  int port() const { return port_; }
  void stop();

 private:
  void add_routes();
  bool may_ask(const httplib::Request& request, httplib::Response& response) const;

  ModelApi& api_;
  const ServingOptions& options_;
  std::unique_ptr<BoundedServer> server_;
  int port_ = 0;
  std::thread listener_;
};

}  // namespace caravan::recipes
