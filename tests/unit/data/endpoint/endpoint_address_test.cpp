#include "data/endpoint/endpoint_address.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "data/error.h"

namespace caravan::data {
namespace {

int code_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.exit_code();
  }
  return 0;
}

TEST(EndpointAddress, HostAndPathAreTold) {
  const EndpointAddress address = parse_endpoint_url("https://models.example:8443/api/v1/");
  EXPECT_EQ(address.base, "https://models.example:8443/api/v1");
  EXPECT_EQ(address.host, "models.example:8443");
  EXPECT_TRUE(address.encrypted);
  EXPECT_FALSE(address.is_this_machine);
  EXPECT_TRUE(parse_endpoint_url("http://localhost:8000").is_this_machine);
  EXPECT_TRUE(parse_endpoint_url("http://127.0.0.1/v1").is_this_machine);
  EXPECT_TRUE(parse_endpoint_url("http://[::1]:80/v1").is_this_machine);
  EXPECT_FALSE(parse_endpoint_url("http://127.0.0.1.example/v1").is_this_machine);
}

TEST(EndpointAddress, OnlyPlainUrlsAreTaken) {
  for (const char* url : {"", "http://", "file:///etc/passwd", "ftp://host/", "HTTP", "http:///v1",
                          "http://user:word@host/v1", "http://host/v1?key=abc", "http://host/v1#x",
                          "http://host/v1 x", "http://host/\nv1", "http://host\\v1", "http://:80/v1"})
    EXPECT_EQ(code_of([&] { parse_endpoint_url(url); }), 2) << url;
}

TEST(EndpointAddress, AKeyGoesUnencryptedToThisMachineOnly) {
  setenv("CARAVAN_TEST_KEY", "sk-1", 1);
  EndpointOptions options{.key_variable = "CARAVAN_TEST_KEY"};
  EXPECT_EQ(endpoint_key(options, parse_endpoint_url("http://127.0.0.1:1/v1")), "sk-1");
  EXPECT_EQ(endpoint_key(options, parse_endpoint_url("https://far.example/v1")), "sk-1");
  EXPECT_EQ(code_of([&] { endpoint_key(options, parse_endpoint_url("http://far.example/v1")); }), 77);
  options.plain_key = true;
  EXPECT_EQ(endpoint_key(options, parse_endpoint_url("http://far.example/v1")), "sk-1");
  setenv("CARAVAN_TEST_KEY", "sk-1\r\nX-Other: 1", 1);
  EXPECT_EQ(code_of([&] { endpoint_key(options, parse_endpoint_url("https://far.example/v1")); }), 2);
  options.key_variable = "CARAVAN_TEST_NO_SUCH_KEY";
  EXPECT_EQ(code_of([&] { endpoint_key(options, parse_endpoint_url("https://far.example/v1")); }), 2);
}

}  // namespace
}  // namespace caravan::data
