/* HTTP/1.1, one request a connection, one thread a connection. */
#include "hub_server.h"

#include "util/hash.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HUB, STORE, N_PORTS, REQUEST_BYTES = 16384 };

struct internals {
    int listening[N_PORTS];
    int port[N_PORTS];
    pthread_t threads[N_PORTS];
    pthread_mutex_t mutex;
    pthread_cond_t idle;
    unsigned connections;
    unsigned ticket; /* of the address handed out last: older ones have expired */
};

struct accepter {
    struct hub_server *s;
    int which;
};

struct connection {
    struct hub_server *s;
    int which, fd;
};

void hub_server_add(struct hub_server *s, const char *path, const char *data, size_t size,
                    bool large)
{
    s->files[s->n_files++] =
        (struct hub_file){.path = path, .data = data, .size = size, .large = large};
}

size_t hub_server_count(struct hub_server *s, const char *text)
{
    struct internals *in = s->internals;
    size_t n = 0;

    pthread_mutex_lock(&in->mutex);
    for (const char *line = s->log; *line; line = strchr(line, '\n') + 1) {
        char one[2048];

        snprintf(one, sizeof(one), "%.*s", (int)strcspn(line, "\n"), line);
        n += strstr(one, text) != NULL;
    }
    pthread_mutex_unlock(&in->mutex);
    return n;
}

void hub_server_forget(struct hub_server *s)
{
    struct internals *in = s->internals;

    pthread_mutex_lock(&in->mutex);
    s->log[0] = '\0';
    pthread_mutex_unlock(&in->mutex);
}

/* ---- sending ---- */

static bool send_all(int fd, const char *data, size_t len)
{
    while (len) {
        const ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

__attribute__((format(printf, 2, 3))) static void send_text(int fd, const char *format, ...)
{
    char text[8192];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (n > 0)
        send_all(fd, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void send_whole(int fd, bool head, int status, const char *headers, const char *body)
{
    send_text(fd, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", status,
              strlen(body), headers);
    if (!head)
        send_all(fd, body, strlen(body));
}

/* Bytes from..size of a file, spoilt as the server is told to. */
static void send_bytes(struct hub_server *s, int fd, const struct hub_file *f, size_t from)
{
    size_t end = f->size, piece;

    if (s->cut_after && s->cut_after < end - from)
        end = from + s->cut_after;
    for (size_t at = from; at < end; at += piece) {
        const struct timespec ms = {0, 1000000};
        char last = f->data[f->size - 1];

        piece = s->bytes_per_ms && s->bytes_per_ms < end - at ? s->bytes_per_ms : end - at;
        if (s->corrupt && strcmp(s->corrupt, f->path) == 0 && at + piece == f->size) {
            last ^= 1;
            if (!send_all(fd, f->data + at, piece - 1) || !send_all(fd, &last, 1))
                return;
        } else if (!send_all(fd, f->data + at, piece)) {
            return;
        }
        if (s->bytes_per_ms)
            nanosleep(&ms, NULL);
    }
    while (s->stalls && end < f->size && recv(fd, &end, sizeof(end), 0) > 0)
        ;
}

static void send_file(struct hub_server *s, int fd, bool head, const struct hub_file *f,
                      size_t from, const char *headers)
{
    if (s->ignores_range)
        from = 0;
    if (from && from >= f->size) {
        send_whole(fd, head, 416, "", "");
        return;
    }
    if (from)
        send_text(fd, "HTTP/1.1 206 X\r\nContent-Range: bytes %zu-%zu/%zu\r\n", from, f->size - 1,
                  f->size);
    else
        send_text(fd, "HTTP/1.1 200 X\r\n");
    send_text(fd, "Connection: close\r\nContent-Length: %zu\r\n%s\r\n", f->size - from, headers);
    if (!head)
        send_bytes(s, fd, f, from);
}

/* ---- what is asked ---- */

static void send_listing(struct hub_server *s, int fd)
{
    char *text, *end;
    size_t size = 4096 + s->n_files * 512;

    if (s->listing) {
        send_whole(fd, false, 200, "", s->listing);
        return;
    }
    end = text = malloc(size);
    end += sprintf(end, "{\"sha\": \"%s\", \"siblings\": [", s->commit);
    for (size_t i = 0; i < s->n_files; i++) {
        const struct hub_file *f = &s->files[i];

        end += sprintf(end, "%s{\"rfilename\": \"%s\", \"size\": %zu, ", i ? "," : "", f->path,
                       f->size);
        if (f->large)
            end +=
                sprintf(end, "\"blobId\": \"%040d\", \"lfs\": {\"sha256\": \"%s\", \"size\": %zu}}",
                        7, f->hash, f->size);
        else
            end += sprintf(end, "\"blobId\": \"%s\"}", f->hash);
    }
    sprintf(end, "]}");
    send_whole(fd, false, 200, "", text);
    free(text);
}

static const struct hub_file *find(const struct hub_server *s, const char *path)
{
    for (size_t i = 0; i < s->n_files; i++)
        if (strcmp(s->files[i].path, path) == 0)
            return &s->files[i];
    return NULL;
}

/* /owner/name/resolve/COMMIT/FILE */
static void resolve(struct hub_server *s, int fd, bool head, const struct hub_file *f, size_t from)
{
    struct internals *in = s->internals;
    char headers[1024];
    unsigned ticket;

    if (!f->large) {
        snprintf(headers, sizeof(headers), "X-Repo-Commit: %s\r\nETag: W/\"%s\"\r\n", s->commit,
                 f->hash);
        send_file(s, fd, head, f, from, headers);
        return;
    }
    pthread_mutex_lock(&in->mutex);
    ticket = ++in->ticket;
    pthread_mutex_unlock(&in->mutex);
    snprintf(
        headers, sizeof(headers),
        "X-Repo-Commit: %s\r\nX-Linked-Etag: \"%s\"\r\nX-Linked-Size: %zu\r\nETag: \"other\"\r\n%s"
        "Location: http://%s:%d/store/%s?ticket=%u\r\n",
        s->commit, f->hash, f->size, s->in_xet ? "X-Xet-Hash: abc\r\n" : "",
        s->store_host ? s->store_host : "127.0.0.1", in->port[STORE], f->path, ticket);
    send_whole(fd, head, 302, headers, "moved");
}

static bool apply_rule(struct hub_server *s, int fd, const char *request)
{
    struct internals *in = s->internals;
    const bool head = strncmp(request, "HEAD", 4) == 0;

    for (size_t i = 0; i < HUB_RULES; i++) {
        struct hub_rule *r = &s->rules[i];
        bool applies;

        if (!r->request || strncmp(request, r->request, strlen(r->request)) != 0)
            continue;
        pthread_mutex_lock(&in->mutex);
        applies = r->times != 0;
        r->times -= r->times > 0;
        pthread_mutex_unlock(&in->mutex);
        if (!applies)
            continue;
        send_whole(fd, head, r->status, r->headers ? r->headers : "", r->body ? r->body : "");
        return true;
    }
    return false;
}

static void answer_hub(struct hub_server *s, int fd, const char *request, size_t from)
{
    const bool head = strncmp(request, "HEAD", 4) == 0;
    const char *path = strchr(request, ' ') + 1;
    char start[512], location[1024];

    if (apply_rule(s, fd, request))
        return;
    snprintf(start, sizeof(start), "/api/models/%s/revision/", s->repository);
    if (strncmp(path, start, strlen(start)) == 0) {
        send_listing(s, fd);
        return;
    }
    for (int i = 0; i < 2; i++) {
        snprintf(start, sizeof(start), "/%s/resolve/%s/", s->repository, i ? "main" : s->commit);
        if (strncmp(path, start, strlen(start)) == 0 && find(s, path + strlen(start))) {
            resolve(s, fd, head, find(s, path + strlen(start)), from);
            return;
        }
    }
    for (int api = 0; s->old_name && api < 2; api++) {
        snprintf(start, sizeof(start), "%s/%s/", api ? "/api/models" : "", s->old_name);
        if (strncmp(path, start, strlen(start)) == 0) {
            snprintf(location, sizeof(location), "Location: %s/%s/%s\r\n", api ? "/api/models" : "",
                     s->repository, path + strlen(start));
            send_whole(fd, head, 307, location, "moved");
            return;
        }
    }
    send_whole(fd, head, 404, "", "nothing here");
}

static void answer_store(struct hub_server *s, int fd, const char *request, size_t from)
{
    struct internals *in = s->internals;
    char path[1024];
    const char *ticket = strstr(request, "?ticket=");
    unsigned newest;

    if (apply_rule(s, fd, request) || !ticket)
        return;
    pthread_mutex_lock(&in->mutex);
    newest = in->ticket;
    pthread_mutex_unlock(&in->mutex);
    snprintf(path, sizeof(path), "%.*s", (int)(ticket - strstr(request, "/store/")) - 7,
             strstr(request, "/store/") + 7);
    /* Several files may be under way; what is older than those has expired. */
    if (strtoul(ticket + 8, NULL, 10) + HUB_FILES < newest || !find(s, path))
        send_whole(fd, false, 403, "", "expired");
    else
        send_file(s, fd, strncmp(request, "HEAD", 4) == 0, find(s, path), from,
                  "ETag: \"of the store\"\r\n");
}

/* ---- connections ---- */

static void note(struct hub_server *s, const char *line)
{
    struct internals *in = s->internals;
    const size_t len = strlen(s->log);
    FILE *f;

    pthread_mutex_lock(&in->mutex);
    if (len + strlen(line) + 1 < sizeof(s->log))
        strcpy(s->log + len, line);
    if (s->log_file && (f = fopen(s->log_file, "a")) != NULL) {
        fputs(line, f);
        fclose(f);
    }
    pthread_mutex_unlock(&in->mutex);
}

static bool read_request(int fd, char text[REQUEST_BYTES])
{
    size_t len = 0;

    while (len + 1 < REQUEST_BYTES) {
        const ssize_t n = recv(fd, text + len, REQUEST_BYTES - 1 - len, 0);

        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, "\r\n\r\n"))
            return true;
    }
    return false;
}

static const char *header(const char *request, const char *name)
{
    const size_t len = strlen(name);

    for (const char *p = strstr(request, "\r\n"); p; p = strstr(p + 2, "\r\n"))
        if (strncasecmp(p + 2, name, len) == 0)
            return p + 2 + len;
    return NULL;
}

static void answer(struct connection *c)
{
    char text[REQUEST_BYTES], line[2048];
    const char *range, *auth, *identity;
    size_t from = 0;

    if (!read_request(c->fd, text))
        return;
    auth = header(text, "authorization:");
    identity = header(text, "accept-encoding: identity");
    if ((range = header(text, "range: bytes=")) != NULL)
        from = strtoul(range, NULL, 10);
    *strstr(text, "\r\n") = '\0';
    if (strstr(text, " HTTP/"))
        *strstr(text, " HTTP/") = '\0';
    snprintf(line, sizeof(line), "%s %.1900s%s%s", c->which == HUB ? "hub" : "store", text,
             auth ? " auth" : "", identity ? "" : " encoded");
    if (range)
        snprintf(line + strlen(line), 40, " range=%zu", from);
    strcat(line, "\n");
    note(c->s, line);
    if (c->which == HUB)
        answer_hub(c->s, c->fd, text, from);
    else
        answer_store(c->s, c->fd, text, from);
}

static void *run_connection(void *arg)
{
    struct connection *c = arg;
    struct internals *in = c->s->internals;
    char rest[256];

    answer(c);
    shutdown(c->fd, SHUT_WR);
    while (recv(c->fd, rest, sizeof(rest), 0) > 0)
        ;
    close(c->fd);
    pthread_mutex_lock(&in->mutex);
    in->connections--;
    pthread_cond_signal(&in->idle);
    pthread_mutex_unlock(&in->mutex);
    free(c);
    return NULL;
}

static void *run_port(void *arg)
{
    struct accepter a = *(struct accepter *)arg;
    struct internals *in = a.s->internals;
    int fd;

    free(arg);
    while ((fd = accept(in->listening[a.which], NULL, NULL)) >= 0) {
        struct connection *c = malloc(sizeof(*c));
        pthread_t thread;

        *c = (struct connection){a.s, a.which, fd};
        pthread_mutex_lock(&in->mutex);
        in->connections++;
        pthread_mutex_unlock(&in->mutex);
        if (pthread_create(&thread, NULL, run_connection, c) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

static bool listen_on(struct internals *in, int which)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return false;
    in->listening[which] = fd;
    in->port[which] = ntohs(at.sin_port);
    return true;
}

static void hash_file(struct hub_file *f)
{
    struct cril_sha256 *h;

    if (!f->large) {
        cril_git_blob_hash(f->data, f->size, f->hash, NULL);
        return;
    }
    if (cril_sha256_create(&h, NULL) != CRIL_OK ||
        cril_sha256_update(h, f->data, f->size, NULL) != CRIL_OK ||
        cril_sha256_final(h, f->hash, NULL) != CRIL_OK)
        abort();
    cril_sha256_free(h);
}

bool hub_server_start(struct hub_server *s)
{
    struct internals *in = calloc(1, sizeof(*in));

    s->internals = in;
    pthread_mutex_init(&in->mutex, NULL);
    pthread_cond_init(&in->idle, NULL);
    memset(s->commit, 'c', 40);
    for (size_t i = 0; i < s->n_files; i++)
        hash_file(&s->files[i]);
    for (int i = 0; i < N_PORTS; i++)
        if (!listen_on(in, i))
            return false;
    snprintf(s->endpoint, sizeof(s->endpoint), "http://127.0.0.1:%d", in->port[HUB]);
    for (int i = 0; i < N_PORTS; i++) {
        struct accepter *a = malloc(sizeof(*a));

        *a = (struct accepter){s, i};
        if (pthread_create(&in->threads[i], NULL, run_port, a) != 0)
            return false;
    }
    return true;
}

void hub_server_rest(struct hub_server *s)
{
    struct internals *in = s->internals;

    pthread_mutex_lock(&in->mutex);
    while (in->connections)
        pthread_cond_wait(&in->idle, &in->mutex);
    pthread_mutex_unlock(&in->mutex);
}

void hub_server_stop(struct hub_server *s)
{
    struct internals *in = s->internals;

    for (int i = 0; i < N_PORTS; i++) {
        shutdown(in->listening[i], SHUT_RDWR);
        pthread_join(in->threads[i], NULL);
        close(in->listening[i]);
    }
    hub_server_rest(s);
    pthread_mutex_destroy(&in->mutex);
    pthread_cond_destroy(&in->idle);
    free(in);
    s->internals = NULL;
}
