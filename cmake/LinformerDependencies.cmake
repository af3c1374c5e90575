# What comes from outside: the distribution's packages, and LibTorch (tools/setup.sh fetches it).
find_package(Threads REQUIRED)
find_package(yaml-cpp REQUIRED)
if(NOT TARGET yaml-cpp)  # 0.8 renamed it
  add_library(yaml-cpp ALIAS yaml-cpp::yaml-cpp)
endif()
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SENTENCEPIECE REQUIRED IMPORTED_TARGET sentencepiece)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
find_library(SENTENCEPIECE_TRAIN_LIBRARY sentencepiece_train REQUIRED)

if(NOT Torch_DIR)
  # tools/setup.sh leaves LibTorch here; CMAKE_PREFIX_PATH and LIBTORCH come first.
  list(APPEND CMAKE_PREFIX_PATH "$ENV{LIBTORCH}" "${PROJECT_SOURCE_DIR}/.deps/libtorch")
endif()
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "LibTorch was not found.\n"
                      "  fix: run ./tools/setup.sh, or set LIBTORCH to a folder with LibTorch")
endif()
