# Metrics know numbers and files, the wish to stop is a signal, the lock of a run a file: no tensors.
add_library(trainer_metrics OBJECT
  checkpoint/run_lock.cpp
  metrics/append_file.cpp
  metrics/console_sink.cpp
  metrics/crc32c.cpp
  metrics/event_record.cpp
  metrics/host_facts.cpp
  metrics/jsonl_sink.cpp
  metrics/margins_file.cpp
  metrics/log.cpp
  metrics/meter.cpp
  metrics/process_memory.cpp
  metrics/run_card.cpp
  metrics/run_totals.cpp
  metrics/tensorboard_sink.cpp
  metrics/terminal.cpp
  metrics/trace.cpp
  stop_request.cpp
)
target_link_libraries(trainer_metrics PUBLIC nlohmann_json::nlohmann_json)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in "text" + std::string (its bug 105651).
  target_compile_options(trainer_metrics PRIVATE -Wno-restrict)
endif()
