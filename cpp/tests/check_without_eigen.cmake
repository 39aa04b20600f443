# A project that finds uwm and not Eigen is told what to install. cmake -DSOURCE=<a project> -DPACKAGE=<folder of
# uwmConfig.cmake> -DCXX=... -P this
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B without_eigen -DCMAKE_CXX_COMPILER=${CXX} -Duwm_DIR=${PACKAGE}
                        -DCMAKE_DISABLE_FIND_PACKAGE_Eigen3=ON
                RESULT_VARIABLE result ERROR_VARIABLE said OUTPUT_QUIET)
if(result EQUAL 0 OR NOT said MATCHES "pip install 'uwm\\[cpp\\]'")
  message(FATAL_ERROR "says nothing of Eigen and pip:\n${said}")
endif()
