// The module that speaks HTTP: the one file that includes libcurl. See http_pool.h.
#include <curl/curl.h>

#include <algorithm>
#include <map>
#include <new>

#include "data/endpoint/http_pool.h"

namespace caravan::data {
namespace {

struct EasyDelete {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDelete {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

struct Exchange {
  std::uint64_t id = 0;
  std::unique_ptr<CURL, EasyDelete> easy;
  std::unique_ptr<curl_slist, ListDelete> headers;
  HttpRequest request;
  std::string body;
  std::size_t max_bytes = 0;
  bool too_large = false;
  char problem[CURL_ERROR_SIZE] = {};
};

// Returning less than was given ends the transfer.
std::size_t keep_body(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::size_t added = size * count;
  if (added > exchange.max_bytes - exchange.body.size()) {
    exchange.too_large = true;
    return 0;
  }
  try {
    exchange.body.append(bytes, added);
  } catch (const std::bad_alloc&) {
    return 0;
  }
  return added;
}

long milliseconds(double seconds) {
  return std::max(1L, static_cast<long>(seconds * 1000.0));
}

HttpFailure failure_of(CURLcode code, const Exchange& exchange) {
  if (exchange.too_large) return HttpFailure::kTooLarge;
  switch (code) {
    case CURLE_OK:
      return HttpFailure::kNone;
    case CURLE_FILESIZE_EXCEEDED:
      return HttpFailure::kTooLarge;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
      return HttpFailure::kNotSent;
    case CURLE_OPERATION_TIMEDOUT: {
      // Before a connection stood, nothing was sent.
      curl_off_t connected = 0;
      curl_easy_getinfo(exchange.easy.get(), CURLINFO_PRETRANSFER_TIME_T, &connected);
      return connected > 0 ? HttpFailure::kTimeout : HttpFailure::kNotSent;
    }
    default:
      return HttpFailure::kCut;
  }
}

class CurlPool : public HttpPool {
 public:
  explicit CurlPool(const HttpOptions& options) : options_(options), multi_(curl_multi_init()) {
    if (multi_ == nullptr) throw std::bad_alloc();
    const auto connections = static_cast<long>(options.connections);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections);
  }
  ~CurlPool() override {
    cancel();
    curl_multi_cleanup(multi_);
  }

  void start(std::uint64_t id, HttpRequest request) override {
    auto exchange = std::make_unique<Exchange>();
    exchange->id = id;
    exchange->request = std::move(request);
    exchange->max_bytes = options_.max_reply_bytes;
    exchange->easy.reset(curl_easy_init());
    if (!exchange->easy) throw std::bad_alloc();
    prepare(*exchange);
    CURL* easy = exchange->easy.get();
    if (curl_multi_add_handle(multi_, easy) != CURLM_OK) throw std::bad_alloc();
    running_.emplace(easy, std::move(exchange));
  }

  std::size_t running() const override { return running_.size(); }

  void wait(double seconds, const Done& done) override {
    int still = 0;
    curl_multi_perform(multi_, &still);
    if (!report(done)) {
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(milliseconds(seconds)), nullptr);
      curl_multi_perform(multi_, &still);
      report(done);
    }
  }

  void cancel() override {
    for (const auto& [easy, exchange] : running_) curl_multi_remove_handle(multi_, easy);
    running_.clear();
  }

 private:
  void prepare(Exchange& exchange) const {
    CURL* easy = exchange.easy.get();
    for (const std::string& header : exchange.request.headers)
      exchange.headers.reset(curl_slist_append(exchange.headers.release(), header.c_str()));
    // Without it curl would ask whether a long body is welcome, and wait a second.
    exchange.headers.reset(curl_slist_append(exchange.headers.release(), "Expect:"));
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_URL, exchange.request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (!options_.use_proxy) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(options_.timeout_seconds));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(options_.connect_timeout_seconds));
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(options_.max_reply_bytes));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(exchange.request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange.request.body.c_str());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange.headers.get());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange.problem);
  }

  bool report(const Done& done) {
    bool any = false;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto found = running_.find(message->easy_handle);
      const std::unique_ptr<Exchange> exchange = std::move(found->second);
      curl_multi_remove_handle(multi_, found->first);
      running_.erase(found);
      any = true;
      done(exchange->id, reply_of(code, *exchange));
    }
    return any;
  }

  static HttpReply reply_of(CURLcode code, Exchange& exchange) {
    HttpReply reply;
    reply.failure = failure_of(code, exchange);
    if (reply.failure != HttpFailure::kNone)
      reply.detail = exchange.problem[0] != '\0' ? exchange.problem : curl_easy_strerror(code);
    curl_easy_getinfo(exchange.easy.get(), CURLINFO_RESPONSE_CODE, &reply.status);
    curl_off_t seconds = 0;
    curl_easy_getinfo(exchange.easy.get(), CURLINFO_RETRY_AFTER, &seconds);
    reply.retry_after_seconds = static_cast<double>(std::max<curl_off_t>(seconds, 0));
    reply.body = std::move(exchange.body);
    return reply;
  }

  HttpOptions options_;
  CURLM* multi_;
  std::map<CURL*, std::unique_ptr<Exchange>> running_;
};

}  // namespace
}  // namespace caravan::data

extern "C" __attribute__((visibility("default"))) caravan::data::HttpPool* caravan_make_http_pool_1(
    const caravan::data::HttpOptions& options) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) throw std::bad_alloc();
  return new caravan::data::CurlPool(options);
}
