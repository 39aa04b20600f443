# Projects of other people, as it were: configured, built and run against what `cmake --install` leaves behind, with this
# build's compiler and flags, so that a build with sanitizers checks them too.
set(prefix ${CMAKE_CURRENT_BINARY_DIR}/prefix)
add_test(NAME install COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${prefix})
set_tests_properties(install PROPERTIES FIXTURES_SETUP prefix)
set(package -Duwm_DIR=${prefix}/${CMAKE_INSTALL_LIBDIR}/cmake/uwm -DEigen3_DIR=${Eigen3_DIR})

# uwm_consumer(name folder [OPTIONS -D...] RUN program arguments...)
function(uwm_consumer name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "OPTIONS;RUN")
  add_test(NAME ${name}
           COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${PROJECT_SOURCE_DIR}/cpp/${folder} ${CMAKE_CURRENT_BINARY_DIR}/${name}
                   --build-generator ${CMAKE_GENERATOR} --build-makeprogram ${CMAKE_MAKE_PROGRAM}
                   --build-options -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                                   "-DCMAKE_CXX_FLAGS_${build_type}=${CMAKE_CXX_FLAGS_${build_type}}" ${arg_OPTIONS}
                   --test-command ${arg_RUN})
  set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED prefix)
endfunction()
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
set(flags "-DCMAKE_CXX_FLAGS=${CMAKE_CXX_FLAGS}")

# For this very machine: what crosses the border must not depend on the instruction set.
uwm_consumer(consumer tests/consumer OPTIONS ${package} "${flags} -march=native" RUN consumer)
uwm_consumer(example_multiplexer examples/multiplexer OPTIONS ${package} ${flags} RUN multiplexer 1 2000)

add_test(NAME without_eigen COMMAND ${CMAKE_COMMAND} -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/consumer
         -DPACKAGE=${prefix}/${CMAKE_INSTALL_LIBDIR}/cmake/uwm -DCXX=${CMAKE_CXX_COMPILER}
         -P ${CMAKE_CURRENT_SOURCE_DIR}/check_without_eigen.cmake)
set_tests_properties(without_eigen PROPERTIES FIXTURES_REQUIRED prefix)

# Other ways to the same program. The first builds the whole library again, by add_subdirectory in the end: once, and
# without optimising, is enough.
if(NOT CMAKE_CXX_FLAGS MATCHES sanitize)
  if(UNIX)
    get_target_property(eigen_include Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
    add_test(NAME by_hand COMMAND ${CMAKE_COMMAND} -DCXX=${CMAKE_CXX_COMPILER} "-DFLAGS=${CMAKE_CXX_FLAGS}"
             -DINCLUDE=${prefix}/${CMAKE_INSTALL_INCLUDEDIR} -DEIGEN=${eigen_include} -DLIBRARY=$<TARGET_FILE:uwm>
             -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/consumer/memory.cpp -P ${CMAKE_CURRENT_SOURCE_DIR}/check_by_hand.cmake)
    set_tests_properties(by_hand PROPERTIES FIXTURES_REQUIRED prefix)
  endif()
  uwm_consumer(FetchContent tests/consumer RUN consumer
               OPTIONS -DFROM=FetchContent -DSOURCES=${PROJECT_SOURCE_DIR} -DEigen3_DIR=${Eigen3_DIR} ${flags}
                       -DCMAKE_CXX_FLAGS_${build_type}=-O0)
  find_program(UWM_CLANG NAMES clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14)
  if(UWM_CLANG AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    uwm_consumer(consumer_clang tests/consumer OPTIONS ${package} -DCMAKE_CXX_COMPILER=${UWM_CLANG} RUN consumer)
  endif()
  find_package(PkgConfig QUIET)
  if(PKG_CONFIG_FOUND)
    add_test(NAME pkg_config COMMAND ${CMAKE_COMMAND} -DPKG_CONFIG=${PKG_CONFIG_EXECUTABLE} -DCXX=${CMAKE_CXX_COMPILER}
             -DPREFIX=${prefix}/${CMAKE_INSTALL_LIBDIR} -DEIGEN=${Eigen3_DIR}/../../pkgconfig
             -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/consumer/consumer.cpp -P ${CMAKE_CURRENT_SOURCE_DIR}/check_pkg_config.cmake)
    set_tests_properties(pkg_config PROPERTIES FIXTURES_REQUIRED prefix)
  else()
    message(STATUS "pkg-config is not here: uwm.pc is not tested")
  endif()
endif()

# The simulators are tested where they are installed.
list(APPEND CMAKE_MODULE_PATH ${PROJECT_SOURCE_DIR}/cpp/examples/mujoco_pendulum)
find_package(MuJoCo QUIET)
if(MuJoCo_FOUND)
  uwm_consumer(example_mujoco_pendulum examples/mujoco_pendulum RUN pendulum 1 50
               OPTIONS ${package} ${flags} -DMuJoCo_INCLUDE_DIR=${MuJoCo_INCLUDE_DIR} -DMuJoCo_LIBRARY=${MuJoCo_LIBRARY})
else()
  message(STATUS "MuJoCo is not here: its example is not tested")
endif()
find_package(box2d 2.4 QUIET)
if(box2d_FOUND)
  uwm_consumer(example_box2d_lander examples/box2d_lander RUN lander 1 50 OPTIONS ${package} ${flags} -Dbox2d_DIR=${box2d_DIR})
else()
  message(STATUS "Box2D 2.4 is not here: its example is not tested")
endif()
