# A consumer that is built by the compiler and pkg-config alone. cmake -DPKG_CONFIG=... -DCXX=... -DPREFIX=<library folder>
# -DEIGEN=<folder of eigen3.pc> -DSOURCE=... -P this
set(ENV{PKG_CONFIG_PATH} ${PREFIX}/pkgconfig:${EIGEN})
execute_process(COMMAND ${PKG_CONFIG} --cflags --libs uwm OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
execute_process(COMMAND ${CXX} -std=c++20 ${SOURCE} ${flags} -Wl,-rpath,${PREFIX} -o pkg_config_consumer COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ./pkg_config_consumer COMMAND_ERROR_IS_FATAL ANY)
