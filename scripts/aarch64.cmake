# Cross compiles for aarch64 with the sysroot that scripts/test-aarch64 makes in the build folder; tests run under qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)

# Compiler checks read this file too, in projects of their own: they are told the place, which is not in their folder.
if(NOT CRIL_SYSROOT)
  set(CRIL_SYSROOT "${CMAKE_BINARY_DIR}/sysroot" CACHE PATH "arm64 libraries, by scripts/test-aarch64")
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CRIL_SYSROOT)
set(CMAKE_SYSROOT "${CRIL_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(ENV{PKG_CONFIG_SYSROOT_DIR} "${CRIL_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR}
  "${CRIL_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CRIL_SYSROOT}/usr/share/pkgconfig")
unset(ENV{PKG_CONFIG_PATH})

# QEMU_CPU in the environment says which CPU it shows.
find_program(CRIL_QEMU NAMES qemu-aarch64-static qemu-aarch64 REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR "${CRIL_QEMU};-L;${CRIL_SYSROOT}")
