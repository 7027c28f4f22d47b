# The base image by name, so that a build gets its security fixes. To pin it, hand in the digest that
# your registry names: --build-arg PYTHON_IMAGE=python:3.12-slim-bookworm@sha256:…
# Any glibc image with Python 3.11 or later and pip will do; Alpine will not (no wheels for musl).
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS builder
WORKDIR /src
ENV PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Wheels alone, each with its hash. An index, proxy or CA of your own comes in as a build secret, and
# stays out of every layer: --secret id=pip_conf,src=pip.conf --secret id=ca,src=ca.pem
# The folder that goes is 16 MB of cel-expr-python's own tests.
COPY requirements.lock ./
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=ca \
    python -m venv --without-pip /opt/trailkeeper \
 && python -m pip --python /opt/trailkeeper install --quiet --no-cache-dir --no-compile \
    --only-binary=:all: --require-hashes -r requirements.lock \
 && rm -rf /opt/trailkeeper/lib/python3.*/site-packages/bazel-project
COPY requirements-build.lock ./
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=ca \
    python -m pip install --quiet --no-cache-dir --no-compile \
    --only-binary=:all: --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY rules rules
COPY controls controls
COPY agent agent
# Byte code is made here, not at each start: the root is read-only there. It is checked against
# nothing, so that the times of files in a layer do not matter.
RUN python -m pip wheel --quiet --no-cache-dir --no-index --no-deps --no-build-isolation \
    --wheel-dir /wheels . \
 && python -m pip --python /opt/trailkeeper install --quiet --no-cache-dir --no-index --no-deps \
    --no-compile /wheels/trailkeeper-*.whl \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/trailkeeper/lib

# The monthly report beside it: an image of its own (--target report), for what reads the logs has no
# business in the agent.
FROM builder AS report-builder
COPY requirements-report.lock ./
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf --mount=type=secret,id=ca \
    python -m pip --python /opt/trailkeeper install --quiet --no-cache-dir --no-compile \
    --only-binary=:all: --require-hashes -r requirements-report.lock \
 && find /opt/trailkeeper/lib/python3.*/site-packages/pyarrow \( -name tests -o -name include \) \
    -prune -exec rm -r {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash /opt/trailkeeper/lib

FROM ${PYTHON_IMAGE} AS runtime
# pip has done its work, and a file with more rights than who starts it has none to do.
RUN stdlib=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
 && python -m pip uninstall --quiet --yes --root-user-action=ignore pip setuptools wheel \
 && rm -rf "$stdlib/ensurepip" /usr/local/bin/pip* /usr/share/python-wheels \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && python -m compileall -q --invalidation-mode unchecked-hash "$stdlib" \
 && groupadd --gid 10001 trailkeeper \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/trailkeeper --no-create-home \
    --shell /usr/sbin/nologin trailkeeper \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/trailkeeper

# Logs in, a report out, both by S3 or by volumes; what was read before is kept in the state.
FROM runtime AS report
COPY --from=report-builder /opt/trailkeeper /opt/trailkeeper
ENV PATH=/opt/trailkeeper/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TRAILKEEPER_STATE_DIRECTORY=/var/lib/trailkeeper
USER 10001:10001
WORKDIR /var/lib/trailkeeper
VOLUME /var/lib/trailkeeper
ENTRYPOINT ["trailkeeper", "report"]
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Trailkeeper report" \
      org.opencontainers.image.description="The monthly report from Amazon Redshift audit logs." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

FROM runtime
COPY --from=builder /opt/trailkeeper /opt/trailkeeper
COPY --chmod=0444 deploy/image/healthcheck.py /opt/trailkeeper/healthcheck.py
# In a container these two are the image's to say, and stand over a configuration file.
ENV PATH=/opt/trailkeeper/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TRAILKEEPER_HTTP__LISTEN=0.0.0.0:9712 \
    TRAILKEEPER_STATE_DIRECTORY=/var/lib/trailkeeper
USER 10001:10001
WORKDIR /var/lib/trailkeeper
# The only place that is written to.
VOLUME /var/lib/trailkeeper
EXPOSE 9712
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 \
    CMD ["python", "/opt/trailkeeper/healthcheck.py"]
ENTRYPOINT ["trailkeeper"]
# What is new in every build comes last.
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Trailkeeper" \
      org.opencontainers.image.description="A continuous controls agent for AWS: keeps Amazon Redshift audit trails kept." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
