# introspectd in a container that watches its host. docs/deployment.md explains each of these options.
#
#   docker build --tag introspectd .        (podman, buildah: with --format=docker, which has the health check)
#   docker run --pid=host --network=host --cgroupns=host --volume=/sys/fs/cgroup:/sys/fs/cgroup:ro \
#     --read-only --security-opt=no-new-privileges introspectd
#
# It listens on the host's loopback, and sees of other users' processes what any user may see. To see them in full, add:
#
#     --user=0 --cap-drop=ALL --cap-add=SYS_PTRACE --cap-add=DAC_READ_SEARCH --cap-add=NET_ADMIN
#
# The journal is in a volume. With a name it survives the container: --volume=introspectd:/opt/introspectd/data
#
# To listen beyond loopback it requires a token file:
#
#     --volume=/etc/introspectd/tokens:/run/tokens:ro --env=INTROSPECTD_TOKEN_FILE=/run/tokens --env=INTROSPECTD_HOST=0.0.0.0

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No install script is needed: the image contains the Node of the devDependency "node", and koffi is shipped compiled.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json tsconfig.client.json ./
COPY src src
RUN npm run build
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /opt/introspectd
COPY package.json ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# Set by environment and not by flag, so that the health check can read them too.
ENV NODE_ENV=production INTROSPECTD_HOST=127.0.0.1 INTROSPECTD_PORT=7007 INTROSPECTD_DATA=/opt/introspectd/data
# Root without capabilities must be able to write here too. The files in it are readable by their owner alone.
RUN mkdir --mode=1777 data
VOLUME /opt/introspectd/data
# With --pid=host this number is a user of the host as well. No user should have it.
USER 7007:7007
EXPOSE 7007
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["node", "-e", "\
  const { INTROSPECTD_HOST: host, INTROSPECTD_PORT: port, INTROSPECTD_TLS_CERT: tls } = process.env; \
  const [first] = host.split(','); \
  const hostname = { '0.0.0.0': '127.0.0.1', '::': '::1' }[first] ?? first; \
  require(tls ? 'https' : 'http') \
    .get({ hostname, port, path: '/readyz', rejectUnauthorized: false }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)) \
    .on('error', () => process.exit(1))"]
ENTRYPOINT ["node", "dist/bin.js"]
CMD ["serve"]
