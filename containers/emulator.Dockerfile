# The emulator: docker build -f containers/emulator.Dockerfile -t mstoken-emulator .
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/mstoken \
    && /opt/mstoken/bin/pip install --no-cache-dir '.[emulator]'

FROM python:3.13-slim
RUN useradd --no-log-init --create-home --uid 10001 mstoken
COPY --from=build /opt/mstoken /opt/mstoken
ENV PATH=/opt/mstoken/bin:$PATH
USER 10001
HEALTHCHECK --interval=5s --start-period=30s \
    CMD ["sh", "-c", "settings=$(mstoken emulator env) && eval \"$settings\" && mstoken get graph --fresh > /dev/null"]
ENTRYPOINT ["mstoken", "emulator"]
CMD ["--port", "8443"]
