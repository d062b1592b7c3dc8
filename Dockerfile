# SPDX-License-Identifier: Apache-2.0
#
#     docker build -t continuum-coordinatord .
#     docker run --read-only -p 127.0.0.1:8080:8080 -v continuum:/var/lib/continuum continuum-coordinatord

FROM debian:bookworm-slim AS build
WORKDIR /source
# By itself, so that a change of the sources does not install the tools anew.
COPY scripts/install-deps scripts/install-deps
RUN scripts/install-deps build
COPY . .
RUN make -j"$(nproc)" build/release/continuum-coordinatord \
 && strip build/release/continuum-coordinatord

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="continuum-coordinatord" \
      org.opencontainers.image.description="Coordinator of a Continuum federation" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends \
        libinih1 libjansson4 libmicrohttpd12 libsodium23 libsqlite3-0 libsystemd0 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 continuum \
 && useradd --system --uid 10001 --gid continuum --no-create-home --home-dir /var/lib/continuum \
        --shell /usr/sbin/nologin continuum \
 && install -d -m 700 -o continuum -g continuum /var/lib/continuum
COPY --from=build /source/build/release/continuum-coordinatord /usr/bin/

ENV CONTINUUM_LISTEN_ADDRESS=0.0.0.0 \
    CONTINUUM_PORT=8080 \
    CONTINUUM_STORAGE_PATH=/var/lib/continuum
USER 10001:10001
VOLUME /var/lib/continuum
EXPOSE 8080
STOPSIGNAL SIGTERM
# Neither curl nor anything like it is in the image; bash is, and speaks enough HTTP.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$CONTINUUM_PORT && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 4 _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["continuum-coordinatord"]
