# Images with the programs. Two targets; docs/packages.md describes them:
#   docker build --target cpu -t linformer:cpu .
#   docker build --target cuda -t linformer:cuda .
# Build arguments: BASE, a Debian or Ubuntu that tools/setup.sh knows; ARCH, the value of -march.
ARG BASE=debian:bookworm-slim

# What both builds need.
FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git
WORKDIR /opt/linformer
COPY tools tools
RUN ./tools/setup.sh --package
COPY . .
ARG ARCH=x86-64-v3

FROM build AS build-cpu
RUN cmake --preset release -DLINFORMER_BUILD_TESTS=OFF -DLINFORMER_ARCH=${ARCH} \
  && cmake --build --preset release
RUN for component in runtime libtorch system_libraries; do \
    cmake --install build/release --component "$component" --prefix /opt/installed || exit 1; \
  done

# The programs find LibTorch and the toolkit's libraries from their own folder, so the clone stays
# where it is, without what only the build needs. No GPU is needed to build.
FROM build AS build-cuda
RUN ./tools/setup.sh --cuda
RUN cmake --preset cuda -DLINFORMER_BUILD_TESTS=OFF -DLINFORMER_ARCH=${ARCH} \
  && cmake --build --preset cuda
# The distribution's packages that have libraries of the programs.
RUN ldd build/cuda/bin/linformer-* | awk '$3 ~ "^/(usr/)?lib/" { print $3 }' | xargs realpath | sort -u \
  | sed 's|.*/|*/|' | xargs -d '\n' dpkg-query --search | cut -d : -f 1 | sort -u >packages
RUN rm -rf .deps/libtorch/include .deps/libtorch/share .deps/cuda/include .deps/cuda/bin .deps/cuda/nvvm \
  && find build/cuda -mindepth 1 -maxdepth 1 ! -name bin ! -name lib -exec rm -rf {} + \
  && find .deps/cuda -name '*.a' -delete

FROM ${BASE} AS cpu
ENV LANG=C.UTF-8 PATH=/opt/linformer/bin:$PATH
RUN apt-get update \
  && apt-get install -y --no-install-recommends gnuplot-nox curl ca-certificates unzip zstd \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build-cpu /opt/installed /opt/linformer
WORKDIR /data
CMD ["linformer-train", "--help"]

FROM ${BASE} AS cuda
ENV LANG=C.UTF-8 PATH=/opt/linformer/build/cuda/bin:$PATH LD_LIBRARY_PATH=/opt/linformer/.deps/cuda/lib \
  NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-cuda /opt/linformer/packages /opt/linformer/packages
RUN apt-get update \
  && apt-get install -y --no-install-recommends gnuplot-nox curl ca-certificates unzip zstd \
    $(cat /opt/linformer/packages) \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build-cuda /opt/linformer /opt/linformer
WORKDIR /data
CMD ["linformer-train", "--help"]
