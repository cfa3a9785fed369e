# Each service is a target of its own, made in a stage of its own: a change in one is compiled and packed alone.
#   docker build --target upload .          deploy/images makes them all, with their labels
FROM rust:1-bookworm AS toolchain
WORKDIR /src
ENV CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
# Builds all binaries. In `/src` are sources of some crates and stand-ins for the rest: the features of the dependencies
# are those of the whole workspace, so that nothing is compiled twice. Cargo goes by the time of a file, and what was just
# copied may look older than the stand-in that was compiled before: the folders named are touched.
RUN printf '%s\n' '#!/bin/sh' 'set -eu' 'find "$@" -type f -exec touch {} +' \
      'cargo build --release --locked --workspace --exclude slipway-limit --bins' >/usr/local/bin/build-with \
    && chmod +x /usr/local/bin/build-with

# The dependencies alone, for as long as no Cargo.toml and no lock file changes: of the sources only the names of what is
# compiled are kept.
FROM toolchain AS stand-ins
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path '*/src/lib.rs' ! -path '*/src/main.rs' ! -path '*/src/bin/*.rs' \
      ! -path '*/tests/*.rs' -delete \
    && find . -path '*/tests/it/*' ! -name main.rs -delete && find . -type d -empty -delete \
    && find . -name '*.rs' -exec truncate --size 0 {} + \
    && for file in $(find . -name main.rs -o -path '*/src/bin/*.rs'); do echo 'fn main() {}' >"$file"; done

FROM toolchain AS dependencies
COPY --from=stand-ins /src .
RUN build-with .

# The crates that every service is made of.
FROM dependencies AS shared
COPY crates/configuration crates/configuration
COPY crates/contract crates/contract
COPY crates/database crates/database
COPY crates/handover crates/handover
COPY crates/openapi crates/openapi
COPY crates/packages crates/packages
COPY crates/peers crates/peers
COPY crates/runtime crates/runtime
COPY crates/signatures crates/signatures
RUN build-with crates/configuration crates/contract crates/database crates/handover crates/openapi crates/packages crates/peers crates/runtime crates/signatures
# Makes the layer of one binary, with no time in it: the same bytes are the same layer, whenever they were compiled.
RUN printf '%s\n' '#!/bin/sh' 'set -eu' 'install -D --target-directory=/layer/usr/local/bin "target/release/$1"' \
      'find /layer -exec touch --date=@0 {} +' >/usr/local/bin/make-layer \
    && chmod +x /usr/local/bin/make-layer

FROM shared AS build-init
COPY crates/init crates/init
RUN build-with crates/init && make-layer slipway-init

FROM shared AS build-registry
COPY deploy/config deploy/config
COPY crates/central crates/central
COPY crates/fleet crates/fleet
COPY services/registry services/registry
RUN build-with crates/central crates/fleet services/registry && make-layer slipway-registry

FROM shared AS build-upload
COPY services/upload services/upload
RUN build-with services/upload && make-layer slipway-upload

FROM shared AS build-signing
COPY services/signing services/signing
RUN build-with services/signing && make-layer slipway-signing

FROM shared AS build-catalog
COPY services/catalog services/catalog
RUN build-with services/catalog && make-layer slipway-catalog

FROM shared AS build-download
COPY services/download services/download
RUN build-with services/download && make-layer slipway-download

FROM shared AS build-gateway
COPY gateway gateway
RUN build-with gateway && make-layer slipway-gateway

FROM shared AS build-door
COPY door door
RUN build-with door && make-layer slipway-door

FROM shared AS build-everything
COPY cli cli
COPY crates crates
COPY deploy/config deploy/config
COPY gateway gateway
COPY services services
RUN build-with cli crates gateway services && mkdir /out \
    && for name in slipway slipway-registry slipway-upload slipway-signing slipway-catalog slipway-download slipway-gateway; do \
         cp "target/release/$name" /out/ || exit 1; \
       done

# The binaries alone, for a machine without containers.
FROM scratch AS binaries
COPY --from=build-everything /out/ /

# What a binary needs of a system, and nothing that somebody who got in could run: the loader, libc, a user, its folders.
# The folders are here so that a new volume mounted over one of them belongs to the user that the service runs as.
# The certificates: whom a client believes that speaks to servers outside; one that finds none does not start.
# What is laid over it has no folder in common with it: the time of one in which something is made is that of the build.
FROM debian:bookworm-slim AS system
COPY --from=toolchain /etc/ssl/certs/ca-certificates.crt /system/etc/ssl/certs/
RUN cd /system && mkdir tmp \
    && for library in $(ls /lib*/ld-linux-*.so.* /lib/*-linux-gnu/libc.so.6 /lib/*-linux-gnu/libm.so.6 /lib/*-linux-gnu/libgcc_s.so.1); do \
         install -D --mode=0755 "$(readlink --canonicalize "$library")" "/system$library" || exit 1; \
       done \
    && echo 'slipway:x:10001:10001::/data:/nonexistent' >etc/passwd \
    && echo 'slipway:x:10001:' >etc/group \
    && echo 'hosts: files dns' >etc/nsswitch.conf \
    && install -d -o 10001 -g 10001 -m 0700 data data/blobs data/run data/secrets data/statements \
    && for service in authority registry upload signing catalog download gateway; do \
         install -d -o 10001 -g 10001 -m 0700 "data/secrets/$service" || exit 1; \
       done \
    && install -d -o 10001 -g 10001 -m 0700 run/door \
    && chmod 1777 tmp \
    && find . -exec touch --date=@0 {} +
# Shows the admin token: docker compose exec catalog cat /data/admin-token
RUN install -D --target-directory=/cat/bin /bin/cat && find /cat -exec touch --date=@0 {} +

FROM scratch AS base
COPY --from=system /system/ /
USER 10001:10001
EXPOSE 8080

# `init` runs once, before the services, and again at every start: it makes what is missing.
FROM base AS init
COPY --from=build-init /layer /
ENTRYPOINT ["/usr/local/bin/slipway-init"]
CMD ["--data", "/data"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title=slipway-init org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM base AS registry
COPY --from=build-registry /layer /
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/usr/local/bin/slipway-registry", "healthcheck", "--data", "/data"]
ENTRYPOINT ["/usr/local/bin/slipway-registry"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV SLIPWAY_REVISION=$REVISION
LABEL org.opencontainers.image.title=slipway-registry org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM base AS upload
COPY --from=build-upload /layer /
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/usr/local/bin/slipway-upload", "healthcheck", "--data", "/data"]
ENTRYPOINT ["/usr/local/bin/slipway-upload"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV SLIPWAY_REVISION=$REVISION
LABEL org.opencontainers.image.title=slipway-upload org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM base AS signing
COPY --from=build-signing /layer /
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/usr/local/bin/slipway-signing", "healthcheck", "--data", "/data"]
ENTRYPOINT ["/usr/local/bin/slipway-signing"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV SLIPWAY_REVISION=$REVISION
LABEL org.opencontainers.image.title=slipway-signing org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM base AS catalog
COPY --from=build-catalog /layer /
COPY --from=system /cat /
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/usr/local/bin/slipway-catalog", "healthcheck", "--data", "/data"]
ENTRYPOINT ["/usr/local/bin/slipway-catalog"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV SLIPWAY_REVISION=$REVISION
LABEL org.opencontainers.image.title=slipway-catalog org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM base AS download
COPY --from=build-download /layer /
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/usr/local/bin/slipway-download", "healthcheck", "--data", "/data"]
ENTRYPOINT ["/usr/local/bin/slipway-download"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV SLIPWAY_REVISION=$REVISION
LABEL org.opencontainers.image.title=slipway-download org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

FROM base AS gateway
COPY --from=build-gateway /layer /
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["/usr/local/bin/slipway-gateway", "healthcheck", "--data", "/data"]
ENTRYPOINT ["/usr/local/bin/slipway-gateway"]
CMD ["--data", "/data", "--listen", "0.0.0.0:8080"]
ARG VERSION=unknown
ARG REVISION=unknown
ENV SLIPWAY_REVISION=$REVISION
LABEL org.opencontainers.image.title=slipway-gateway org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION

# Beside several gateways (deploy/compose.scale.yml).
FROM base AS door
COPY --from=build-door /layer /
# It has nothing to end: what it holds goes on at the gateways.
STOPSIGNAL SIGKILL
ENTRYPOINT ["/usr/local/bin/slipway-door"]
CMD ["--listen", "0.0.0.0:8080", "--socket", "/run/door/listener"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title=slipway-door org.opencontainers.image.licenses=Apache-2.0 \
      org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
