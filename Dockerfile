# Snug in a container: docker build -t snug .  (see compose.yaml for running it)
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 make build && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /src/bin/snug /snug
COPY --from=build --chown=nonroot:nonroot /data /data
ENV SNUG_DATA=/data SNUG_ADDR=0.0.0.0:8080 SNUG_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/snug"]
CMD ["serve"]
