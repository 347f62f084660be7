test_program(serving_tests TORCH LIBS caravan_recipes PkgConfig::HTTPLIB SOURCES
  numerics/serve_lm_eval_test.cpp
  unit/recipes/serving/api_request_test.cpp
  unit/recipes/serving/api_server_test.cpp
)
