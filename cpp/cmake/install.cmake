# Headers, library, CMake package and pkg-config file below one prefix, which may be moved afterwards.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(SKBUILD)
  set(CMAKE_INSTALL_LIBDIR lib)
endif()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/uwm)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/cpp/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS uwm EXPORT uwm)
install(EXPORT uwm FILE uwmTargets.cmake NAMESPACE uwm:: DESTINATION ${package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/uwmConfig.cmake.in uwmConfig.cmake
                              INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(uwmConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/uwmConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/uwmConfigVersion.cmake
        DESTINATION ${package_dir})

# From the folder of the .pc file up to the prefix.
file(RELATIVE_PATH pc_to_prefix /${pkgconfig_dir} /)
get_target_property(pc_definitions uwm INTERFACE_COMPILE_DEFINITIONS)
list(TRANSFORM pc_definitions PREPEND -D)
list(JOIN pc_definitions " " pc_definitions)
if(library_type STREQUAL "SHARED_LIBRARY")
  set(pc_libraries "-luwm")
else()
  set(pc_libraries "-luwm -pthread")
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/uwm.pc.in uwm.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/uwm.pc DESTINATION ${pkgconfig_dir})
