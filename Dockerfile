# Build the image: docker build -t snug .   (compose.yaml runs it)
# The version comes from git. Without .git, set it: --build-arg VERSION=v1.2.3
FROM golang:1.26 AS source
WORKDIR /src
COPY go.mod go.sum ./
COPY dashboard/without dashboard/without
RUN go mod download
COPY . .

FROM source AS build
ARG VERSION
RUN CGO_ENABLED=0 make build ${VERSION:+VERSION="$VERSION"} && mkdir /data

# The Discord simulator alone: docker build --target discordsim -t discordsim .
FROM source AS build-discordsim
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o /discordsim ./cmd/discordsim
FROM gcr.io/distroless/static-debian12:nonroot AS discordsim
COPY --from=build-discordsim /discordsim /discordsim
EXPOSE 8081
HEALTHCHECK --start-period=10s CMD ["/discordsim", "--addr", "127.0.0.1:8081", "--health"]
ENTRYPOINT ["/discordsim", "--addr", "0.0.0.0:8081"]

# nonroot is user 65532. It must be able to read mounted secret files.
FROM gcr.io/distroless/static-debian12:nonroot
LABEL org.opencontainers.image.source="https://github.com/snug-rooms/snug" org.opencontainers.image.licenses="MIT"
COPY --from=build /src/bin/snug /snug
COPY --from=build --chown=nonroot:nonroot /data /data
ENV SNUG_DATA=/data SNUG_ADDR=0.0.0.0:8080 SNUG_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=30s CMD ["/snug", "health"]
ENTRYPOINT ["/snug"]
CMD ["serve"]
