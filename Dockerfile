# One builder stage makes every binary once; each service is a target of its own that holds its binary and nothing else:
#   docker build --target upload .
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
# The dependencies stay compiled between builds. Our own crates never do: cargo goes by the time of a file, and one that
# was changed while an earlier build ran would look old to it.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    find . -name '*.rs' -not -path './target/*' -exec touch {} + \
    && cargo build --release --locked --workspace --exclude slipway-limit --bins \
    && mkdir /out \
    && for name in slipway slipway-registry slipway-upload slipway-signing slipway-catalog slipway-download slipway-gateway; do \
         cp "target/release/$name" /out/ || exit 1; \
       done

# The binaries alone, for a machine without containers:  docker build --target binaries --output dist .
FROM scratch AS binaries
COPY --from=build /out/ /

# The folders are here so that a new volume mounted over one of them belongs to the user that the service runs as.
FROM debian:bookworm-slim AS base
RUN groupadd --gid 10001 slipway \
    && useradd --uid 10001 --gid slipway --home-dir /data --no-create-home --shell /usr/sbin/nologin slipway \
    && install -d -o slipway -g slipway -m 0700 /data /data/blobs /data/secrets /data/statements \
    && for service in authority registry upload signing catalog download gateway; do \
         install -d -o slipway -g slipway -m 0700 "/data/secrets/$service" || exit 1; \
       done
USER 10001:10001
EXPOSE 8080

# `slipway init` runs once, before the services, and again at every start: it makes what is missing.
FROM base AS init
COPY --from=build /out/slipway /usr/local/bin/
ENTRYPOINT ["slipway"]
CMD ["init", "--data", "/data"]

FROM base AS registry
COPY --from=build /out/slipway-registry /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["slipway-registry", "healthcheck", "--data", "/data"]
ENTRYPOINT ["slipway-registry"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]

FROM base AS upload
COPY --from=build /out/slipway-upload /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["slipway-upload", "healthcheck", "--data", "/data"]
ENTRYPOINT ["slipway-upload"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]

FROM base AS signing
COPY --from=build /out/slipway-signing /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["slipway-signing", "healthcheck", "--data", "/data"]
ENTRYPOINT ["slipway-signing"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]

FROM base AS catalog
COPY --from=build /out/slipway-catalog /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["slipway-catalog", "healthcheck", "--data", "/data"]
ENTRYPOINT ["slipway-catalog"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]

FROM base AS download
COPY --from=build /out/slipway-download /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["slipway-download", "healthcheck", "--data", "/data"]
ENTRYPOINT ["slipway-download"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]

FROM base AS gateway
COPY --from=build /out/slipway-gateway /usr/local/bin/
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["slipway-gateway", "healthcheck", "--data", "/data"]
ENTRYPOINT ["slipway-gateway"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]
