// A server over the demo checkpoint, and a client of it.
#pragma once

#include <httplib.h>

#include <memory>
#include <optional>
#include <string>

#include "recipes/model_front.h"
#include "recipes/serving/api_server.h"
#include "tests/unit/recipes/commands/demo_checkpoint.h"

namespace caravan::tests {

class Served {
 public:
  explicit Served(recipes::ServingOptions options = {})
      : options_(std::move(options)),
        front_(recipes::load_text_front(demo_checkpoint(), "", "auto", true)),
        model_(recipes::load_model(demo_checkpoint(), "fp32", at::kCPU)),
        file_(models::read_generation_config(demo_checkpoint())),
        engine_(*model_, {.stop_ids = models::stop_ids_of(model_->config(), file_)}, options_.queue),
        api_(*model_, engine_, front_, file_, options_) {
    options_.port = 0;
    options_.model_name = "demo";
    server_.emplace(api_, options_);
  }

  httplib::Client client() const {
    httplib::Client client("127.0.0.1", server_->port());
    client.set_read_timeout(60);
    return client;
  }
  struct Reply {
    int status;
    data::Json json;
  };
  Reply post(const std::string& path, const data::Json& body, const httplib::Headers& headers = {}) const {
    const auto result = client().Post(path.c_str(), headers, body.dump(), "application/json");
    if (!result) return {0, {}};
    return {result->status, data::Json::parse(result->body, nullptr, false)};
  }
  Reply get(const std::string& path, const httplib::Headers& headers = {}) const {
    const auto result = client().Get(path.c_str(), headers);
    if (!result) return {0, {}};
    return {result->status, data::Json::parse(result->body, nullptr, false)};
  }
  void restart() {
    server_.reset();
    server_.emplace(api_, options_);
  }
  recipes::CompletionEngine& engine() { return engine_; }
  int port() const { return server_->port(); }

 private:
  recipes::ServingOptions options_;
  recipes::TextFront front_;
  std::unique_ptr<models::Llama> model_;
  models::GenerationConfig file_;
  recipes::CompletionEngine engine_;
  recipes::ModelApi api_;
  std::optional<recipes::ApiServer> server_;
};

}  // namespace caravan::tests
