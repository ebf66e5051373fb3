#include "net/origin.h"

#include "base/macros.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

static bool is_literal(const char *host)
{
        struct in6_addr buffer;

        return host[0] == '[' || inet_pton(AF_INET, host, &buffer) == 1 || inet_pton(AF_INET6, host, &buffer) == 1;
}

/* Where an address names no port: that of its scheme; but a proxy for http is asked at libcurl's own, 1080. */
static bool take_port(struct rf_origin *o, CURLU *u)
{
        char *scheme = NULL, *port = NULL;
        bool is_https = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && strcmp(scheme, "https") == 0;
        bool good = true;

        if (curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_NO_PORT)
                strcpy(o->port, is_https ? "443" : o->is_proxy ? "1080" : "80");
        else if ((good = port && strlen(port) < sizeof(o->port)))
                strcpy(o->port, port);
        curl_free(scheme);
        curl_free(port);
        return good;
}

static bool parse(struct rf_origin *o)
{
        CURLU *u = curl_url();
        char *host = NULL;
        bool good = u && curl_url_set(u, CURLUPART_URL, o->text, strstr(o->text, "://") ? 0 : CURLU_GUESS_SCHEME) == CURLUE_OK &&
                    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && strlen(host) < sizeof(o->host) && take_port(o, u);

        if (good) {
                strcpy(o->host, host);
                o->is_literal = is_literal(host);
        }
        curl_free(host);
        curl_url_cleanup(u);
        return good;
}

/* Parsed once: there are few of them, and libcurl's parser takes its time. */
const struct rf_origin *rf_origins_get(struct rf_origins *all, const char *url, bool is_proxy)
{
        const char *after = strstr(url, "://");
        size_t size = (after ? (size_t)(after - url) + 3 : 0) + strcspn(after ? after + 3 : url, "/?#");
        struct rf_origin *o = &all->kept[all->next];

        if (size == 0 || size >= sizeof(o->text))
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(all->kept); i++)
                if (all->kept[i].size == size && all->kept[i].is_proxy == is_proxy && memcmp(all->kept[i].text, url, size) == 0)
                        return &all->kept[i];
        *o = (struct rf_origin){ .is_proxy = is_proxy };
        memcpy(o->text, url, size);
        if (!parse(o))
                return NULL;
        o->size = size;
        all->next = (all->next + 1) % ARRAY_SIZE(all->kept);
        return o;
}

bool rf_origin_is_exempt(const struct rf_origin *o, const char *no_proxy)
{
        size_t host_size = strlen(o->host), n;

        for (const char *at = no_proxy; *at; at += n) {
                at += strspn(at, ", .");
                n = strcspn(at, ", ");
                if (n == 1 && *at == '*')
                        return true;
                if (n > 0 && n <= host_size && strncasecmp(o->host + host_size - n, at, n) == 0 &&
                    (n == host_size || o->host[host_size - n - 1] == '.'))
                        return true;
        }
        return false;
}
