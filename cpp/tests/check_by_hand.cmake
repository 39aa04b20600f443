# A program that is compiled without CMake's package and pkg-config, which would give it the library's definitions: it
# works with any flags, or is refused by the compiler. cmake -DCXX=... -DFLAGS=<of the library's own build>
# -DINCLUDE=<uwm's headers> -DEIGEN=<Eigen's headers> -DLIBRARY=<uwm's file> -DSOURCE=... -P this
separate_arguments(FLAGS UNIX_COMMAND "${FLAGS}")
cmake_path(GET LIBRARY PARENT_PATH folder)

function(compile source result errors)
  execute_process(COMMAND ${CXX} -std=c++20 ${FLAGS} ${ARGN} -I${INCLUDE} -isystem ${EIGEN} ${source} ${LIBRARY} -pthread
                          -Wl,-rpath,${folder} -o by_hand
                  RESULT_VARIABLE code ERROR_VARIABLE said)
  set(${result} ${code} PARENT_SCOPE)
  set(${errors} "${said}" PARENT_SCOPE)
endfunction()

function(works)
  compile(${SOURCE} result errors ${ARGN})
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "does not compile with ${ARGN}:\n${errors}")
  endif()
  if("-mavx2" IN_LIST ARGN AND NOT has_avx2)
    return()
  endif()
  execute_process(COMMAND ./by_hand RESULT_VARIABLE result ERROR_VARIABLE errors)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "fails with ${ARGN}: ${result}\n${errors}")
  endif()
endfunction()

function(is_refused sentence)
  file(WRITE refused.cpp "#include <uwm/uwm.hpp>\nint main() {}\n")
  compile(refused.cpp result errors ${ARGN})
  if(result EQUAL 0 OR NOT errors MATCHES "${sentence}")
    message(FATAL_ERROR "is not refused with ${ARGN}:\n${errors}")
  endif()
endfunction()

cmake_host_system_information(RESULT processor QUERY OS_PLATFORM)
set(avx2)
if(processor STREQUAL "x86_64")
  set(avx2 -mavx2)
endif()
if(EXISTS /proc/cpuinfo)
  file(STRINGS /proc/cpuinfo has_avx2 REGEX "flags.* avx2( |$)" LIMIT_COUNT 1)
endif()

set(asan -O1 -fsanitize=address -fno-omit-frame-pointer)
works(${asan})
works(${asan} ${avx2})
works(${asan} -DEIGEN_MAX_ALIGN_BYTES=16 -DEIGEN_MALLOC_ALREADY_ALIGNED=0)
works(${asan} -DEIGEN_MAX_ALIGN_BYTES=64 -include Eigen/Dense)
works(-O2 -march=native)
works(-O0 ${avx2} -include Eigen/Dense)
works(-O0 -DEIGEN_DONT_VECTORIZE -DEIGEN_DEFAULT_TO_ROW_MAJOR)
is_refused("do not define EIGEN_DEFAULT_DENSE_INDEX_TYPE" -DEIGEN_DEFAULT_DENSE_INDEX_TYPE=int)
