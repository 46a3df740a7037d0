# Snug in a container: docker build -t snug .  (see compose.yaml for running it)
# The version is what git says; without .git give it: --build-arg VERSION=v1.2.3
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
RUN CGO_ENABLED=0 make build ${VERSION:+VERSION="$VERSION"} && mkdir /data

# nonroot is the user 65532: secret files that are mounted must be readable by it.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /src/bin/snug /snug
COPY --from=build --chown=nonroot:nonroot /data /data
ENV SNUG_DATA=/data SNUG_ADDR=0.0.0.0:8080 SNUG_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=30s CMD ["/snug", "health"]
ENTRYPOINT ["/snug"]
CMD ["serve"]
