# cmake --install: programs, one static library made of every folder's objects, headers, and what
# find_package(linformer) needs. docs/architecture.md shows how to use the library from outside.
# Component runtime: what a user of the programs needs, which is also what packages have
# (LinformerPackage.cmake). Component devel: the library, and LibTorch as a whole.
include(CMakePackageConfigHelpers)

get_property(objects GLOBAL PROPERTY LINFORMER_OBJECTS)
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
target_link_options(linformer INTERFACE -fopenmp "${LINFORMER_LIBSTDCXX_FIRST}")

set(programs)
get_property(targets DIRECTORY "${PROJECT_SOURCE_DIR}/src/cli" PROPERTY BUILDSYSTEM_TARGETS)
foreach(target ${targets})
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    list(APPEND programs ${target})
  endif()
endforeach()

# LibTorch beside the programs; where it is somebody else's, a link to its libraries. The programs
# look there, see LinformerLinking.cmake. Nothing is written through a link of an earlier installation.
set(linformer_torch_folder "${CMAKE_INSTALL_BINDIR}/${LINFORMER_LIBTORCH_FROM_BIN}")
cmake_path(NORMAL_PATH linformer_torch_folder)
set(linformer_torch_libraries
    "\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${linformer_torch_folder}/lib")
if(LINFORMER_INSTALL_LIBTORCH)
  set(linformer_torch_dir "\${PACKAGE_PREFIX_DIR}/${linformer_torch_folder}/share/cmake/Torch")
  install(CODE "
    if(IS_SYMLINK \"${linformer_torch_libraries}\")
      file(REMOVE \"${linformer_torch_libraries}\")
    endif()" COMPONENT devel)
  install(DIRECTORY "${LINFORMER_LIBTORCH}/../" DESTINATION "${linformer_torch_folder}"
          USE_SOURCE_PERMISSIONS MESSAGE_NEVER COMPONENT devel)
else()
  set(linformer_torch_dir "${Torch_DIR}")
  install(CODE "
    set(link \"${linformer_torch_libraries}\")
    if(EXISTS \"\${link}\" AND NOT IS_SYMLINK \"\${link}\")
      message(FATAL_ERROR \"\${link} is the LibTorch of an earlier installation.\\n\"
        \"  fix: remove it, or configure with -DLINFORMER_INSTALL_LIBTORCH=ON\")
    endif()
    cmake_path(GET link PARENT_PATH folder)
    file(MAKE_DIRECTORY \"\${folder}\")
    file(CREATE_LINK \"${LINFORMER_LIBTORCH}\" \"\${link}\" SYMBOLIC)" COMPONENT devel)
endif()

set(package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/linformer")
if(programs)
  install(TARGETS ${programs} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
  set(built_programs)
  foreach(program ${programs})
    list(APPEND built_programs "$<TARGET_FILE:${program}>")
  endforeach()
  install(CODE "
    set(programs \"${built_programs}\")
    set(share \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
    include(\"${PROJECT_SOURCE_DIR}/cmake/InstallProgramPages.cmake\")" COMPONENT runtime)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/configs"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/linformer" COMPONENT runtime
        FILES_MATCHING PATTERN "*.yaml")
install(PROGRAMS "${PROJECT_SOURCE_DIR}/tools/fetch_data.sh"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/linformer/tools" COMPONENT runtime)
install(FILES "${PROJECT_SOURCE_DIR}/tools/data_sources.tsv"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/linformer/tools" COMPONENT runtime)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/tools/launch"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/linformer/tools" COMPONENT runtime
        USE_SOURCE_PERMISSIONS)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)
install(FILES "${PROJECT_SOURCE_DIR}/README.md" "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
              "${PROJECT_SOURCE_DIR}/LICENSE" "${PROJECT_SOURCE_DIR}/CITATION.cff"
        DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)

install(TARGETS linformer EXPORT linformerTargets
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT devel)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/linformer"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT devel FILES_MATCHING PATTERN "*.h")
install(EXPORT linformerTargets NAMESPACE linformer:: DESTINATION "${package_folder}"
        COMPONENT devel)

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/linformerConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/linformerConfig.cmake" INSTALL_DESTINATION "${package_folder}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/linformerConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/linformerConfig.cmake"
              "${PROJECT_BINARY_DIR}/linformerConfigVersion.cmake"
              "${PROJECT_SOURCE_DIR}/cmake/FindSentencePiece.cmake"
        DESTINATION "${package_folder}" COMPONENT devel)
