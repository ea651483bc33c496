# The server as an image, for compose.yaml. Node builds the pages, Rust embeds them.
FROM node:22-bookworm-slim AS pages
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci
COPY web ./
RUN npm run build

FROM rust:1-bookworm AS server
WORKDIR /src
COPY . .
COPY --from=pages /src/web/dist web/dist
RUN cargo build --release -p fitconnect

FROM debian:bookworm-slim
RUN useradd --system --home /data fitconnect && mkdir /data && chown fitconnect /data
COPY --from=server /src/target/release/fitconnect /usr/local/bin/fitconnect
USER fitconnect
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["fitconnect"]
CMD ["serve", "--data", "/data", "--listen", "0.0.0.0:8080"]
