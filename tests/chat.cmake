test_program(chat_tests LIBS data_chat data_tokenizers data_readers SOURCES
  unit/data/chat/builtin_test.cpp
  unit/data/chat/engine_test.cpp
  unit/data/chat/goldens_test.cpp
  unit/data/chat/left_out_test.cpp
  unit/data/chat/limits_test.cpp
  unit/data/chat/masks_test.cpp
  unit/data/chat/text_search_test.cpp
  unit/data/chat/turns_test.cpp
  unit/recipes/commands/render_test.cpp
  ${CMAKE_SOURCE_DIR}/recipes/command_flags.cpp
  ${CMAKE_SOURCE_DIR}/recipes/commands/render.cpp
  ${CMAKE_SOURCE_DIR}/recipes/text_front.cpp
  ${CMAKE_SOURCE_DIR}/recipes/model_folder.cpp
  ${CMAKE_SOURCE_DIR}/recipes/nearest_name.cpp
  ${CMAKE_SOURCE_DIR}/recipes/row_messages.cpp
)

add_executable(template_bench EXCLUDE_FROM_ALL bench/template_bench.cpp)
target_link_libraries(template_bench PRIVATE data_chat data_tokenizers)
target_compile_definitions(template_bench PRIVATE CARAVAN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
if(NOT TARGET benchmarks)
  add_custom_target(benchmarks)
endif()
add_dependencies(benchmarks template_bench)
