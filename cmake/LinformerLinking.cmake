# How programs are linked: whose std:: they take, and where they look for LibTorch.

# Some LibTorch wheels export functions of std:: (the 2.11 wheel 64 of std::filesystem), made for
# another libstdc++. The loader takes the first library that has a name, so libstdc++ comes first.
# The same options go to programs of others that link the installed library.
set(LINFORMER_LIBSTDCXX_FIRST
    "SHELL:-Wl,--push-state,--no-as-needed -lstdc++ -Wl,--pop-state")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" OR CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(
    "$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:${LINFORMER_LIBSTDCXX_FIRST}>")
endif()

# Programs find LibTorch from where they lie, built or installed, so that the clone and the
# installation may be moved: in the build folder a link leads to it, an installation has it beside.
set(LINFORMER_LIBTORCH_FROM_BIN "../lib/linformer/libtorch")
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
# The second folder has the libraries of the distribution in packages that bring their own.
set(LINFORMER_LIBRARIES_FROM_BIN "../lib/linformer")
set(CMAKE_INSTALL_RPATH "$ORIGIN/${LINFORMER_LIBTORCH_FROM_BIN}/lib"
                        "$ORIGIN/${LINFORMER_LIBRARIES_FROM_BIN}")
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)  # libraries that are neither here nor the system's: CUDA's

# Call after find_package(Torch). LINFORMER_LIBTORCH is the folder with its libraries.
function(linformer_link_libtorch)
  get_target_property(library torch LOCATION)
  get_filename_component(folder "${library}" DIRECTORY)
  set(LINFORMER_LIBTORCH "${folder}" PARENT_SCOPE)

  set(link "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${LINFORMER_LIBTORCH_FROM_BIN}/lib")
  cmake_path(NORMAL_PATH link)
  cmake_path(GET link PARENT_PATH link_folder)
  cmake_path(IS_PREFIX PROJECT_SOURCE_DIR "${folder}" in_clone)
  cmake_path(IS_PREFIX PROJECT_SOURCE_DIR "${link}" link_in_clone)
  set(target "${folder}")
  if(in_clone AND link_in_clone)
    file(RELATIVE_PATH target "${link_folder}" "${folder}")
  endif()
  file(MAKE_DIRECTORY "${link_folder}")
  file(CREATE_LINK "${target}" "${link}" SYMBOLIC)

  option(LINFORMER_INSTALL_LIBTORCH
         "Install LibTorch beside the programs; else they use it where it is" ${in_clone})
endfunction()
