# Copies libraries that the programs load into a package, with their licences. Run at installation
# (LinformerPackage.cmake) with:
#   bundle    LIBTORCH: those in LibTorch's folder; SYSTEM: all others except glibc's
#   programs  their paths in the build folder
#   libtorch  LibTorch's folder of libraries
#   folder    where the libraries go
#   licences  where the licences go
#   patchelf  the program, for SYSTEM
cmake_minimum_required(VERSION 3.24)

function(fail message fix)
  message(FATAL_ERROR "${message}\n  fix: ${fix}")
endfunction()

# The copyright file of the Debian package that a file belongs to. By the end of its path, because
# packages may name it below /lib, which is now a link to /usr/lib.
function(install_licence_of_package file)
  string(REGEX MATCH "[^/]+/[^/]+$" name "${file}")
  execute_process(COMMAND dpkg-query --search "*/${name}" OUTPUT_VARIABLE found ERROR_QUIET
                  RESULT_VARIABLE status)
  string(REGEX MATCH "^[^:, \n]+" package "${found}")
  if(status OR NOT EXISTS "/usr/share/doc/${package}/copyright")
    fail("no package with a copyright file has ${file}" "make packages on Debian or Ubuntu")
  endif()
  file(REAL_PATH "/usr/share/doc/${package}/copyright" copyright)
  file(MAKE_DIRECTORY "${licences}/${package}")
  file(COPY_FILE "${copyright}" "${licences}/${package}/copyright" ONLY_IF_DIFFERENT)
endfunction()

file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${programs}
     RESOLVED_DEPENDENCIES_VAR libraries UNRESOLVED_DEPENDENCIES_VAR missing
     PRE_EXCLUDE_REGEXES "^(ld-linux.*|lib(c|m|dl|rt|pthread|mvec|resolv|util))\\.so")
if(missing)
  fail("the programs need libraries that are not there: ${missing}" "build the programs again")
endif()
if(libraries MATCHES "libtorch_cuda|libcuda")
  fail("this is a build for CUDA, whose libraries are too large for a package"
       "make packages from a build for the CPU (cmake --preset release)")
endif()

set(of_libtorch)
set(of_system)
file(REAL_PATH "${libtorch}" libtorch)
foreach(library ${libraries})
  file(REAL_PATH "${library}" file)
  cmake_path(IS_PREFIX libtorch "${file}" inside)
  if(inside)
    list(APPEND of_libtorch "${library}")
  else()
    list(APPEND of_system "${library}")
  endif()
endforeach()
if(NOT of_libtorch)
  fail("no program loads LibTorch from ${libtorch}" "configure the build again")
endif()

# Each library under the name by which it is loaded, without links.
function(copy_library library)
  file(REAL_PATH "${library}" file)
  cmake_path(GET library FILENAME name)
  file(COPY_FILE "${file}" "${folder}/${name}" ONLY_IF_DIFFERENT)
  file(CHMOD "${folder}/${name}" PERMISSIONS
       OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
endfunction()

file(MAKE_DIRECTORY "${folder}")
if(bundle STREQUAL "LIBTORCH")
  cmake_path(GET libtorch PARENT_PATH root)
  if(NOT EXISTS "${root}/licenses/LICENSE")
    fail("LibTorch's licences are not in ${root}/licenses, and packages have to bring them"
         "run ./tools/setup.sh --package")
  endif()
  file(MAKE_DIRECTORY "${licences}")
  file(COPY "${root}/licenses/" DESTINATION "${licences}/libtorch")
  foreach(library ${of_libtorch})
    copy_library("${library}")
    cmake_path(GET library FILENAME name)
    if(name MATCHES "^libgomp")  # GCC's, which LibTorch brings along
      file(GLOB gcc "/usr/lib/*/libgcc_s.so.1" "/lib/*/libgcc_s.so.1")
      list(GET gcc 0 gcc)
      file(REAL_PATH "${gcc}" gcc)
      install_licence_of_package("${gcc}")
    endif()
  endforeach()
else()
  if(NOT patchelf)
    fail("patchelf is missing, which packages take"
         "run ./tools/setup.sh --package, and configure the build again")
  endif()
  foreach(library ${of_system})
    file(REAL_PATH "${library}" file)
    install_licence_of_package("${file}")
    copy_library("${library}")
    cmake_path(GET library FILENAME name)
    # Its own libraries are beside it.
    execute_process(COMMAND "${patchelf}" --set-rpath "$ORIGIN" "${folder}/${name}"
                    COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endif()
