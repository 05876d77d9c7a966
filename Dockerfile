# The service on a CPU. Both bases can be overridden; they need Node.js 20.15 or later and glibc 2.28 or later.
ARG BUILD_BASE=node:24-bookworm
ARG BASE=node:24-bookworm-slim

FROM ${BUILD_BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src src
RUN npm run build \
 && npm prune --omit=dev --no-audit --no-fund \
 # onnxruntime-node carries every platform; this image runs on one.
 && cd node_modules/onnxruntime-node/bin/napi-v6 \
 && platform="$(node -p process.platform)" arch="$(node -p process.arch)" \
 && find . -mindepth 1 -maxdepth 1 ! -name "$platform" -exec rm -r {} + \
 && find "$platform" -mindepth 1 -maxdepth 1 ! -name "$arch" -exec rm -r {} +

FROM ${BASE}
WORKDIR /app
ENV NODE_ENV=production RDI_MODELS=/models
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist/src dist/src
# Mount a volume here to serve other models.
COPY models /models
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.RDI_PORT ?? 8080}/readyz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: it gets SIGTERM and drains.
ENTRYPOINT ["node", "dist/src/cli/main.js"]
CMD ["serve"]
