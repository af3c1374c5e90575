# cpack: a tar.gz that brings every library except glibc's, and a .deb that brings LibTorch and names
# the distribution's packages. tools/package.sh builds and packs both; CONTRIBUTING.md describes them.

# What packages have besides the component runtime. EXCLUDE_FROM_ALL: an installation by
# `cmake --install` uses the libraries of its own system, and has LibTorch as a whole.
set(program_files)
foreach(program ${programs})
  list(APPEND program_files "$<TARGET_FILE:${program}>")
endforeach()
find_program(LINFORMER_PATCHELF patchelf)
function(linformer_bundle COMPONENT WHICH FOLDER_FROM_BIN)
  set(folder "${CMAKE_INSTALL_BINDIR}/${FOLDER_FROM_BIN}")
  cmake_path(NORMAL_PATH folder)
  install(CODE "
    set(bundle ${WHICH})
    set(programs \"${program_files}\")
    set(libtorch \"${LINFORMER_LIBTORCH}\")
    set(patchelf \"${LINFORMER_PATCHELF}\")
    set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${folder}\")
    set(licences \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DOCDIR}/licenses\")
    include(\"${PROJECT_SOURCE_DIR}/cmake/BundleLibraries.cmake\")" COMPONENT ${COMPONENT} EXCLUDE_FROM_ALL)
endfunction()
linformer_bundle(libtorch LIBTORCH "${LINFORMER_LIBTORCH_FROM_BIN}/lib")
linformer_bundle(system_libraries SYSTEM "${LINFORMER_LIBRARIES_FROM_BIN}")

set(CPACK_PACKAGE_NAME linformer)
set(CPACK_PACKAGE_VENDOR "the authors of Linformer in C++")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Pre-training and fine-tuning of Linformer encoders")
set(CPACK_PACKAGE_DESCRIPTION "Trains Linformer and Transformer encoders as masked language models,
fine-tunes and evaluates them. Written in C++ on LibTorch, which is included. Needs no Python.")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
string(TOLOWER "linformer-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}"
               CPACK_PACKAGE_FILE_NAME)
set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_STRIP_FILES ON)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_SOURCE_DIR}/cmake/PackageComponents.cmake")
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_THREADS 0)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CPACK_PACKAGE_VENDOR}")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox, curl, unzip, zstd")
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${LINFORMER_LIBTORCH}")
include(CPack)
