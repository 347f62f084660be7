# The kernel bodies, once per instruction set. No precompiled header: its flags differ.
foreach(isa avx2 avx512)
  add_library(models_kernels_${isa} OBJECT ops/cpu/kernels_${isa}.cpp)
  target_link_libraries(models_kernels_${isa} PRIVATE torch_interface)
endforeach()
target_compile_options(models_kernels_avx2 PRIVATE ${CARAVAN_AVX2_FLAGS})
target_compile_definitions(models_kernels_avx2 PRIVATE CPU_CAPABILITY=AVX2 CPU_CAPABILITY_AVX2)
target_compile_options(models_kernels_avx512 PRIVATE ${CARAVAN_AVX512_FLAGS})
target_compile_definitions(models_kernels_avx512 PRIVATE CPU_CAPABILITY=AVX512 CPU_CAPABILITY_AVX512)
