/* The certification's client side with our client library: varlink-certify SOCKET. Says "all ok" if the service does. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "control/varlink/client.h"

#define INTERFACE "org.varlink.certification."

static int call(struct rf_varlink_client *c, const char *name, const json_t *parameters, struct rf_varlink_message *ret)
{
        char method[64];
        int r;

        snprintf(method, sizeof(method), INTERFACE "%s", name);
        r = rf_varlink_client_send(c, method, parameters, strcmp(name, "Test10") == 0 ? RF_VARLINK_MORE : 0);
        if (r >= 0)
                r = rf_varlink_client_receive(c, ret);
        if (r >= 0 && ret->error) {
                fprintf(stderr, "%s: %s\n", name, ret->error);
                json_dumpf(ret->parameters, stderr, 0);
                r = -1;
        }
        return r;
}

int main(int argc, char **argv)
{
        struct rf_varlink_client *c = NULL;
        struct rf_varlink_message m = { 0 };
        json_t *id, *parameters, *replies = json_array();
        bool is_ok = false;
        int r = argc == 2 ? rf_varlink_client_connect(argv[1], &c) : -1;

        if (r >= 0)
                r = call(c, "Start", NULL, &m);
        if (r < 0)
                return 1;
        id = json_incref(json_object_get(m.parameters, "client_id"));
        parameters = json_deep_copy(m.parameters);
        rf_varlink_message_done(&m);
        for (int i = 1; i <= 10 && r >= 0; i++) {
                char name[16];

                snprintf(name, sizeof(name), "Test%02d", i);
                json_object_set(parameters, "client_id", id);
                r = call(c, name, parameters, &m);
                while (r >= 0 && i == 10) {
                        bool continues = m.continues;

                        json_array_append(replies, json_object_get(m.parameters, "string"));
                        if (!continues)
                                break;
                        rf_varlink_message_done(&m);
                        r = rf_varlink_client_receive(c, &m);
                }
                if (r < 0)
                        break;
                json_decref(parameters);
                parameters = m.parameters ? json_deep_copy(m.parameters) : json_object();
                rf_varlink_message_done(&m);
        }
        json_object_clear(parameters);
        json_object_set(parameters, "client_id", id);
        json_object_set(parameters, "last_more_replies", replies);
        if (r >= 0) /* has no reply */
                r = rf_varlink_client_send(c, INTERFACE "Test11", parameters, RF_VARLINK_ONEWAY);
        json_object_del(parameters, "last_more_replies");
        if (r >= 0 && (r = call(c, "End", parameters, &m)) >= 0)
                is_ok = json_is_true(json_object_get(m.parameters, "all_ok"));
        rf_varlink_message_done(&m);
        rf_varlink_client_free(c);
        json_decref(parameters);
        json_decref(replies);
        json_decref(id);
        puts(is_ok ? "all ok" : "not ok");
        return !is_ok;
}
