# Who the ranks are, and what is told when one is lost: text, no tensors.
add_library(trainer_ranks OBJECT
  distributed/event_ring.cpp
  distributed/job_end.cpp
  distributed/judge.cpp
  distributed/lost_rank.cpp
  distributed/peer_state.cpp
  distributed/rank_place.cpp
  distributed/rank_threads.cpp
  distributed/slurm.cpp
  distributed/torchrun_error_file.cpp
)
target_link_libraries(trainer_ranks PUBLIC nlohmann_json::nlohmann_json)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in "text" + std::string (its bug 105651).
  target_compile_options(trainer_ranks PRIVATE -Wno-restrict)
endif()
