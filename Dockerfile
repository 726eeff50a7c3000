FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
COPY jobs jobs
COPY templates templates
COPY config config
RUN mkdir /data && chown node:node /data
USER node
# The ledger lives on a volume of its own; the health endpoints are reached from outside the container.
ENV DATABASE_URL=file:/data/forewarn.db FOREWARN_WEB_HOST=0.0.0.0
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/cli/main.js"]
CMD ["start"]
