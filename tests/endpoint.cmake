add_executable(misbehaving_server support/misbehaving_server.cpp)
target_link_libraries(misbehaving_server PRIVATE nlohmann_json::nlohmann_json)
test_program(endpoint_tests LIBS data_endpoint data_chat data_readers data_tokenizers SOURCES
  unit/data/endpoint/endpoint_address_test.cpp
  unit/data/endpoint/endpoint_generator_test.cpp
  unit/data/endpoint/endpoint_reply_test.cpp
  unit/data/endpoint/request_log_test.cpp
)
add_dependencies(endpoint_tests misbehaving_server caravan_http)
