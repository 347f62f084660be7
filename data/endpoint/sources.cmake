add_library(data_endpoint OBJECT
  endpoint/endpoint_address.cpp
  endpoint/endpoint_call.cpp
  endpoint/endpoint_generator.cpp
  endpoint/endpoint_reply.cpp
  endpoint/hidden_key.cpp
  endpoint/http_pool.cpp
  endpoint/request_log.cpp
)
target_link_libraries(data_endpoint PUBLIC nlohmann_json::nlohmann_json ${CMAKE_DL_LIBS})

# HTTP: a module beside the program, loaded when the first request is made.
find_package(CURL REQUIRED)
add_library(caravan_http MODULE endpoint/http_module.cpp)
set_target_properties(caravan_http PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR} CXX_VISIBILITY_PRESET hidden)
target_link_libraries(caravan_http PRIVATE CURL::libcurl)
