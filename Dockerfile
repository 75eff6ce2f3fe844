# syntax=docker/dockerfile:1
# The server with every driver and the page at /docs. Built in steps: what installs is not in the image that runs.
FROM node:22-slim AS page

WORKDIR /build
COPY scripts/scalar ./scripts/
RUN scripts/scalar


FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN python -m venv /opt/orchestratorx
ENV PATH="/opt/orchestratorx/bin:$PATH"

# Dependencies first: they change less often than the code. Versions and hashes are locked.
COPY requirements ./requirements
RUN awk '/^[^ ]/ { driver = /^(nats-py|aiokafka|async-timeout|redis|aio-pika|aiormq|pamqp|yarl|multidict|propcache)==/ } driver' \
        requirements/dev.txt > drivers.txt \
    && pip install --require-hashes -r requirements/run.txt -r drivers.txt

COPY pyproject.toml README.md LICENSE ./
COPY sdk ./sdk
COPY src ./src
COPY --from=page /build/src ./src
RUN pip install --no-deps --no-build-isolation ./sdk/python . && pip check


FROM python:3.13-slim

RUN useradd --uid 10001 --create-home --home-dir /var/lib/orchestratorx --shell /usr/sbin/nologin orchestratorx
COPY --from=build /opt/orchestratorx /opt/orchestratorx

# 0.0.0.0 is refused without TLS and API keys: mount a certificate and set ORCHESTRATOR_TLS__CERTIFICATE_FILE,
# ORCHESTRATOR_TLS__KEY_FILE and ORCHESTRATOR_API_KEYS, or set ORCHESTRATOR_INSECURE=true behind something that does both.
ENV PATH="/opt/orchestratorx/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    ORCHESTRATOR_HTTP_HOST=0.0.0.0 \
    ORCHESTRATOR_GRPC_HOST=0.0.0.0 \
    ORCHESTRATOR_LOG_FORMAT=json

USER orchestratorx
# Without ORCHESTRATOR_DATABASE_URL the SQLite file is here: mount a volume.
WORKDIR /var/lib/orchestratorx
VOLUME /var/lib/orchestratorx
EXPOSE 8080 50051
STOPSIGNAL SIGTERM

# With TLS on, set HEALTH_URL=https://… ; its certificate is for the outside name, so it is not checked here.
ENV HEALTH_URL=http://127.0.0.1:8080/readyz
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["python", "-c", "\
import os, ssl, urllib.request; \
urllib.request.urlopen(os.environ['HEALTH_URL'], timeout=2, context=ssl._create_unverified_context())"]

ENTRYPOINT ["orchestrator"]
CMD ["serve"]
