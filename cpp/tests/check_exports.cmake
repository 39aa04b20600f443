# The shared library shows what its headers declare, and hides kernels, Eigen and everything else.
# cmake -DNM=... -DLIBRARY=... -P this
execute_process(COMMAND ${NM} --dynamic --defined-only --demangle ${LIBRARY} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE ";" "," symbols "${symbols}")
string(REPLACE "\n" ";" symbols "${symbols}")
list(TRANSFORM symbols REPLACE "^[0-9a-f]+ . " "")
foreach(name IN LISTS symbols)
  # A function of ours that returns a matrix begins with its type.
  string(REGEX REPLACE "^Eigen::[^()]* uwm::" "uwm::" name "${name}")
  if(name MATCHES "^uwm::(kernels|wide|safetensors|draw_|apply_gradient)|^(vtable for |typeinfo for )?Eigen::")
    message(FATAL_ERROR "${LIBRARY} shows ${name}")
  endif()
endforeach()
foreach(name "uwm::Network<float>::forward(" "uwm::Network<double>::clamp(" "typeinfo for uwm::ValueError" "vtable for uwm::Adam"
             "uwm::Log uwm::train<float>(")
  string(FIND "${symbols}" "${name}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "${LIBRARY} does not show ${name}")
  endif()
endforeach()
