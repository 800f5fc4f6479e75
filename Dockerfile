# Two stages: the first installs pinned, hashed requirements and collects static files; the second carries the result.
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements/base.txt requirements/base.txt
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/base.txt
COPY pyproject.toml README.md LICENSE manage.py ./
COPY providers providers
COPY llmadmin llmadmin
COPY templates templates
COPY static static
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . \
 && LLMADMIN_ENV=production LLMADMIN_ENCRYPTION_KEY=only-for-collecting-static-files-not-a-key- LLMADMIN_SECRET_KEY=build LLMADMIN_ALLOWED_HOSTS=build \
    LLMADMIN_DATA_DIR=/tmp/build /venv/bin/llmadmin collectstatic --noinput --verbosity 0

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data llmadmin && mkdir /data && chown llmadmin /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 LLMADMIN_ENV=production LLMADMIN_DATA_DIR=/data
WORKDIR /app
USER llmadmin
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["llmadmin"]
CMD ["serve", "--host", "0.0.0.0"]
