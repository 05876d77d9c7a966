# Targets: cpu (the default) and gpu.
#   docker build .                          the service on CPUs
#   docker build --target gpu -t … .        with TensorFlow for an NVIDIA GPU: 4.1 GiB more
# Bases can be overridden. Both need Node.js 20.15 or later, glibc 2.28 or later and libstdc++; BUILD_BASE also npm and, for
# the target gpu, g++; BASE, for the target gpu, zlib, which cuDNN loads.
ARG BUILD_BASE=docker.io/library/node:24.21.0-bookworm
ARG BASE=docker.io/library/node:24.21.0-bookworm-slim

FROM ${BUILD_BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
COPY web web
# What the command `bench` is made of; the scripts beside them need the tests.
COPY bench/command bench/command
COPY bench/load bench/load
RUN npm run build

# What runs: without development tools, other platforms' libraries and source maps.
FROM build AS trimmed
RUN npm prune --omit=dev --no-audit --no-fund \
 && platform="$(node -p process.platform)" arch="$(node -p process.arch)" \
 && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 -type d \
      ! -path "*/$platform/$arch" -exec rm -r {} + \
 && find node_modules -name '*.map' -delete

FROM ${BASE} AS cpu
WORKDIR /app
ENV NODE_ENV=production RDI_MODELS=/models
COPY --from=trimmed /app/package.json ./
COPY --from=trimmed /app/node_modules node_modules
COPY --from=trimmed /app/dist/src dist/src
COPY --from=trimmed /app/dist/web dist/web
COPY --from=trimmed /app/dist/bench dist/bench
# Mount a volume here to serve other models.
COPY models /models
USER 1000:1000
EXPOSE 8080
# What is no port, empty or the address of a Kubernetes service, the server does not take either.
HEALTHCHECK --interval=10s --timeout=3s --start-period=120s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${Number(process.env.RDI_PORT) || 8080}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: it gets SIGTERM and drains.
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["serve"]

# Without TensorFlow's symbols for debuggers and the source maps: 0.4 GiB.
FROM build AS tensorflow
COPY tensorflow tensorflow
RUN npm run install:tensorflow -- --gpu \
 && strip --strip-unneeded tensorflow/node_modules/@tensorflow/tfjs-node-gpu/deps/lib/* \
 && find tensorflow/node_modules -name '*.map' -delete

# CUDA and cuDNN come with TensorFlow; of the host it takes the driver alone, through the NVIDIA container toolkit.
FROM cpu AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=tensorflow /app/tensorflow tensorflow
CMD ["serve", "--device", "gpu"]

# The last stage is what is built unless a target is named.
FROM cpu
