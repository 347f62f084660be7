// The parts of an endpoint's url, and the key that goes with it.
#pragma once

#include <string>

#include "data/endpoint/endpoint_options.h"

namespace caravan::data {

struct EndpointAddress {
  std::string base;  // without a slash at its end
  std::string host;  // with the port where one is named: for provenance
  bool encrypted = false;
  bool is_this_machine = false;  // localhost, 127.x.x.x, [::1]
};

// Throws data::Error (usage) unless the url is http or https with a host, and has no user, question mark,
// fragment, white space or control character.
EndpointAddress parse_endpoint_url(const std::string& url);

// The value of options.key_variable; empty where none is named. Throws data::Error (usage): a variable that
// is not set, or holds what no header can carry (unsafe): one that would go unencrypted to another machine.
std::string endpoint_key(const EndpointOptions& options, const EndpointAddress& address);

}  // namespace caravan::data
