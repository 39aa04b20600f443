# Headers and library of MuJoCo, target MuJoCo::MuJoCo: where PyPI's package `mujoco` was installed, if CMAKE_PREFIX_PATH
# names the site-packages folder, or in an unpacked release that it names.
find_path(MuJoCo_INCLUDE_DIR mujoco/mujoco.h PATH_SUFFIXES mujoco/include)
# In the Python package the library lies above the headers and has no name without a version.
file(GLOB MuJoCo_packaged ${MuJoCo_INCLUDE_DIR}/../libmujoco.so.* ${MuJoCo_INCLUDE_DIR}/../libmujoco.*.dylib)
find_library(MuJoCo_LIBRARY mujoco)
if(MuJoCo_packaged AND NOT MuJoCo_LIBRARY)
  list(GET MuJoCo_packaged 0 MuJoCo_LIBRARY)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MuJoCo REQUIRED_VARS MuJoCo_LIBRARY MuJoCo_INCLUDE_DIR)
if(MuJoCo_FOUND AND NOT TARGET MuJoCo::MuJoCo)
  add_library(MuJoCo::MuJoCo UNKNOWN IMPORTED)
  set_target_properties(MuJoCo::MuJoCo PROPERTIES IMPORTED_LOCATION ${MuJoCo_LIBRARY}
                                                  INTERFACE_INCLUDE_DIRECTORIES ${MuJoCo_INCLUDE_DIR})
endif()
