# syntax=docker/dockerfile:1
# docker build -t koyomi .   One binary with its migrations inside: koyomi migrate, koyomi serve.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the layer: a changed source file recompiles this workspace, not its dependencies. The binary is
# copied out, since a mounted target directory does not become part of the layer.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --profile dist --bin koyomi \
    && install -D target/dist/koyomi /out/koyomi

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin --uid 10001 koyomi
COPY --from=build /out/koyomi /usr/local/bin/koyomi
USER koyomi
ENV KOYOMI_LISTEN=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["koyomi"]
CMD ["serve"]
