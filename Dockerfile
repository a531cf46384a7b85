# The server and the command line. With DATABASE_URL it uses that PostgreSQL, else the one inside.
FROM python:3.13-slim

WORKDIR /opt/coterie
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY postgres postgres
COPY src src
# The versions of the lock, of the packages that a server needs.
RUN sed -n 's/^\([A-Za-z0-9_.-]*==[^ ;]*\).*/\1/p' requirements.lock > constraints.txt \
    && pip install --no-cache-dir --constraint constraints.txt '.[server,cli]' \
    && rm -r src postgres

RUN useradd --system --user-group --uid 8440 --home-dir /data coterie \
    && install --directory --mode=0700 --owner=coterie --group=coterie /data /backup
USER coterie
VOLUME /data
EXPOSE 8440
STOPSIGNAL SIGTERM

ENTRYPOINT ["coterie"]
CMD ["serve", "--data", "/data"]
