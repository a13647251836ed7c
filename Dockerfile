# Usher in a small image that runs as nobody in particular. Build: docker build -t usher .
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/usher
COPY requirements.lock .
RUN /opt/usher/bin/pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY chains chains
COPY config config
COPY gateway gateway
COPY memo memo
COPY monitor monitor
COPY payouts payouts
COPY store store
COPY tickets tickets
COPY usher usher
COPY verifier verifier
COPY web web
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && /opt/usher/bin/pip install --no-cache-dir --no-deps /wheels/usher-*.whl \
    && /opt/usher/bin/pip uninstall --yes pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/usher --create-home usher && chmod 700 /var/lib/usher
COPY --from=build /opt/usher /opt/usher
ENV PATH=/opt/usher/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    USHER_CONFIG=/var/lib/usher/usher.toml STATE_DIRECTORY=/var/lib/usher
USER 10001
WORKDIR /var/lib/usher
VOLUME /var/lib/usher
EXPOSE 8080 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["usher"]
CMD ["run"]
