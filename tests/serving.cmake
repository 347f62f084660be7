test_program(serving_tests TORCH LIBS caravan_recipes PkgConfig::HTTPLIB SOURCES
  numerics/serve_lm_eval_test.cpp
  unit/recipes/serving/api_request_test.cpp
  unit/recipes/serving/api_server_test.cpp
)
# Without the model: its threads can be watched by ThreadSanitizer.
test_program(bounded_server_tests LIBS PkgConfig::HTTPLIB SOURCES
  unit/recipes/serving/bounded_server_test.cpp
  ${CMAKE_SOURCE_DIR}/recipes/serving/bounded_server.cpp
  ${CMAKE_SOURCE_DIR}/recipes/serving/bounded_stream.cpp
)
