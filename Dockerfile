# trialsim with its compiled stages:
#   docker build -t trialsim .
#   docker run --rm -v "$PWD:/home/trialist" trialsim power cars1
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev
COPY . /source
RUN python -m venv /opt/trialsim && \
    /opt/trialsim/bin/pip install --no-cache-dir --constraint /source/constraints.txt '/source[report,cdisc]'

FROM python:3.13-slim
COPY --from=build /opt/trialsim /opt/trialsim
RUN useradd --create-home trialist
USER trialist
WORKDIR /home/trialist
ENTRYPOINT ["/opt/trialsim/bin/trialsim"]
CMD ["--help"]
