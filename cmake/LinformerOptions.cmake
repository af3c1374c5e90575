# Compiler settings that every target of the project shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()

# Paths below the clone are hashed as relative ones, so that another clone of the same files finds
# what this one compiled; the precompiled header needs the named sloppiness to be cached at all.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${CCACHE_PROGRAM}")
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# An interface target, so that options of the project never reach a user of the installed library.
add_library(linformer_options INTERFACE)
target_compile_options(linformer_options INTERFACE -Wall -Wextra -Wshadow -Winvalid-pch)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15)
  # False alarms of GCC 12, 13 and 14 about inlined std::string and std::vector code.
  target_compile_options(linformer_options INTERFACE -Wno-restrict -Wno-stringop-overflow
                                                     -Wno-array-bounds)
endif()
if(LINFORMER_WERROR)
  target_compile_options(linformer_options INTERFACE -Werror)
endif()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND LINFORMER_ARCH)
  target_compile_options(linformer_options INTERFACE -march=${LINFORMER_ARCH})
endif()
if(LINFORMER_FUZZ)
  # Tells the fuzzer which code an input reaches; only programs of tests/fuzz hear it.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(linformer_options INTERFACE -fsanitize=fuzzer-no-link)
  else()
    target_compile_options(linformer_options INTERFACE -fsanitize-coverage=trace-pc)
  endif()
endif()
if(LINFORMER_SANITIZE)
  target_compile_options(linformer_options INTERFACE -fsanitize=${LINFORMER_SANITIZE}
                                                     -fno-omit-frame-pointer)
  target_link_options(linformer_options INTERFACE -fsanitize=${LINFORMER_SANITIZE})
endif()
