# The tool: docker build -f containers/tool.Dockerfile -t mstoken .
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/mstoken \
    && /opt/mstoken/bin/pip install --no-cache-dir '.[keyring,redis]'

FROM python:3.13-slim
RUN useradd --no-log-init --create-home --uid 10001 mstoken
COPY --from=build /opt/mstoken /opt/mstoken
ENV PATH=/opt/mstoken/bin:$PATH
USER 10001
ENTRYPOINT ["mstoken"]
CMD ["--help"]
