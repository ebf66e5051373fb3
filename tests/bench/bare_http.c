#include "bare_http.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 128, BODY_MAX = 4096 };

struct request {
        CURL *easy;
        size_t size;
        char body[BODY_MAX];
};

static int epoll_fd;
static long timeout_ms;
static CURLM *multi;
static unsigned asked, answered, to_ask;
static bool has_parser;
static uint16_t server;

static void check(bool good, const char *what)
{
        if (good)
                return;
        fprintf(stderr, "bare client: %s failed\n", what);
        exit(1);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
        struct epoll_event e = { .events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u), .data.fd = fd };

        (void)easy;
        (void)arg;
        if (what == CURL_POLL_REMOVE)
                epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        else {
                check(epoll_ctl(epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) == 0, "epoll_ctl");
                curl_multi_assign(multi, fd, &epoll_fd);
        }
        return 0;
}

static int set_timer(CURLM *m, long ms, void *arg)
{
        (void)m;
        (void)arg;
        timeout_ms = ms;
        return 0;
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
        struct request *r = arg;

        check(r->size + size * n <= BODY_MAX, "the body");
        memcpy(r->body + r->size, data, size * n);
        r->size += size * n;
        return size * n;
}

static void ask(struct request *r)
{
        char url[96];

        if (asked == to_ask)
                return;
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/search?q=number%%20%u", server, asked++);
        r->size = 0;
        curl_easy_setopt(r->easy, CURLOPT_URL, url);
        check(curl_multi_add_handle(multi, r->easy) == CURLM_OK, "curl_multi_add_handle");
}

static void take(struct request *r, CURLcode code)
{
        long status = 0;

        curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
        check(code == CURLE_OK && status == 200, "a request");
        if (has_parser) {
                json_t *j = json_loadb(r->body, r->size, 0, NULL);

                check(json_is_array(json_object_get(j, "tracks")), "json_loadb");
                json_decref(j);
        }
        curl_multi_remove_handle(multi, r->easy);
        answered++;
        ask(r);
}

static void collect(void)
{
        CURLMsg *m;
        int left;

        while ((m = curl_multi_info_read(multi, &left))) {
                struct request *r;

                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&r);
                take(r, m->data.result);
        }
}

static void prepare(struct request *r)
{
        r->easy = curl_easy_init();
        check(r->easy != NULL, "curl_easy_init");
        curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
        curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(r->easy, CURLOPT_USERAGENT, "bench/1");
        curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
        curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, take_body);
        curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
        ask(r);
}

void bare_http_run(uint16_t port, unsigned n, unsigned at_once, bool parses)
{
        struct request *requests = calloc(at_once, sizeof(*requests));
        struct epoll_event events[EVENTS];
        int running;

        check(requests != NULL, "calloc");
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        multi = curl_multi_init();
        timeout_ms = -1;
        asked = answered = 0;
        to_ask = n;
        has_parser = parses;
        server = port;
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)at_once);
        for (unsigned i = 0; i < at_once; i++)
                prepare(&requests[i]);
        while (answered < n) {
                int ready = epoll_wait(epoll_fd, events, EVENTS, (int)timeout_ms);
                bool is_due = ready == 0 || timeout_ms == 0;

                for (int i = 0; i < ready; i++)
                        curl_multi_socket_action(multi, events[i].data.fd, (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                                 (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                                                 (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0), &running);
                if (is_due) {
                        timeout_ms = -1; /* single-shot */
                        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
                }
                collect();
        }
        for (unsigned i = 0; i < at_once; i++)
                curl_easy_cleanup(requests[i].easy);
        curl_multi_cleanup(multi);
        close(epoll_fd);
        free(requests);
}
