# A static binary and nothing else. The builder's libc is musl, so that no
# library is needed at run time; certificates come from the builder.
FROM docker.io/library/rust:1.95-alpine AS build
RUN apk add --no-cache ca-certificates gcc musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin flux-apim && cp target/release/flux-apim /flux-apim

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /flux-apim /usr/local/bin/flux-apim
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/flux-apim"]
CMD ["controller"]
