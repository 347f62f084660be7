#include "data/endpoint/endpoint_address.h"

#include <algorithm>
#include <cstdlib>

#include "data/error.h"

namespace caravan::data {
namespace {

bool is_printable(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

bool is_local(const std::string& name) {
  const bool numeric = name.find_first_not_of("0123456789.") == std::string::npos;
  return name == "localhost" || name == "[::1]" || (numeric && name.starts_with("127."));
}

}  // namespace

EndpointAddress parse_endpoint_url(const std::string& url) {
  EndpointAddress address;
  address.encrypted = url.starts_with("https://");
  const std::size_t host = address.encrypted ? 8 : 7;
  const bool known = address.encrypted || url.starts_with("http://");
  const bool plain = is_printable(url) && url.find_first_of("?#@\\\"") == std::string::npos;
  if (known && plain) {
    address.base = url;
    while (address.base.ends_with('/')) address.base.pop_back();
    address.host =
        address.base.size() > host ? address.base.substr(host, address.base.find('/', host) - host) : "";
  }
  if (without_port(address.host).empty())
    throw Error(Error::Kind::kUsage,
                "url: found \"" + url.substr(0, 200) +
                    "\"; allowed: http:// or https://, a host, perhaps :PORT and a path, as in "
                    "http://127.0.0.1:8000/v1, and neither ? nor # nor a user name");
  address.is_this_machine = is_local(without_port(address.host));
  return address;
}

std::string endpoint_key(const EndpointOptions& options, const EndpointAddress& address) {
  if (options.key_variable.empty()) return {};
  const char* value = std::getenv(options.key_variable.c_str());
  const std::string key = value == nullptr ? "" : value;
  const std::string where = "key_variable: the environment variable " + options.key_variable;
  if (key.empty()) throw Error(Error::Kind::kUsage, where + " is not set; export it, or remove key_variable");
  if (!is_printable(key))
    throw Error(Error::Kind::kUsage, where +
                                         " holds characters that no key has (white space, control "
                                         "characters, letters beyond ASCII); set it again");
  if (!address.encrypted && !address.is_this_machine && !options.plain_key)
    throw Error(Error::Kind::kUnsafe, "url: the key would go over http, unencrypted, to " + address.host +
                                          "; name an https url, or write plain_key: true");
  return key;
}

}  // namespace caravan::data
