# cmake --install: programs, one static library made of every folder's objects, headers, and what
# find_package(linformer) needs. docs/architecture.md shows how to use the library from outside.
include(CMakePackageConfigHelpers)

get_property(LINFORMER_FOLDERS GLOBAL PROPERTY LINFORMER_FOLDERS)
set(objects)
foreach(folder ${LINFORMER_FOLDERS})
  list(APPEND objects $<TARGET_OBJECTS:${folder}>)
endforeach()

add_library(linformer STATIC ${objects})
add_library(linformer::linformer ALIAS linformer)
set_target_properties(linformer PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(linformer PUBLIC cxx_std_20)
target_include_directories(linformer INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
# PRIVATE: the headers show LibTorch only, so the rest is linked without its include folders (the
# fmt of spdlog and the fmt of LibTorch must not meet in a user's source either).
target_link_libraries(linformer
  PUBLIC torch Threads::Threads
  PRIVATE yaml-cpp spdlog::spdlog CLI11::CLI11 nlohmann_json::nlohmann_json
          ZLIB::ZLIB SentencePiece::SentencePiece SentencePiece::Train PkgConfig::ZSTD
          PkgConfig::XXHASH PkgConfig::LIBZIP PkgConfig::PCRE2)

# As a plain option: see linformer_torch_options in src/CMakeLists.txt.
target_link_options(linformer INTERFACE -fopenmp)
set(linformer_torch_dir "${Torch_DIR}")

# Installed programs look for the LibTorch that they were linked with.
get_target_property(torch_library torch LOCATION)
get_filename_component(torch_folder "${torch_library}" DIRECTORY)
set(programs)
get_property(targets DIRECTORY "${PROJECT_SOURCE_DIR}/src/cli" PROPERTY BUILDSYSTEM_TARGETS)
foreach(target ${targets})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    list(APPEND programs ${target})
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "${torch_folder}")
  endif()
endforeach()

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/linformer")
if(programs)
  install(TARGETS ${programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(TARGETS linformer EXPORT linformerTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/linformer"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/linformer" FILES_MATCHING PATTERN "*.yaml")
install(EXPORT linformerTargets NAMESPACE linformer:: DESTINATION "${package_folder}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/linformerConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/linformerConfig.cmake" INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/linformerConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/linformerConfig.cmake"
              "${PROJECT_BINARY_DIR}/linformerConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindSentencePiece.cmake"
        DESTINATION "${package_folder}")
