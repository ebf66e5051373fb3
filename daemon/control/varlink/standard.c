#include "control/varlink/standard.h"

#include <errno.h>

#include "base/json.h"
#include "control/varlink/message.h"

/* As the specification has it. */
const char rf_varlink_standard_description[] =
        "# The Varlink Service Interface is provided by every varlink service. It\n"
        "# describes the service and the interfaces it implements.\n"
        "interface org.varlink.service\n"
        "\n"
        "# Get a list of all the interfaces a service provides and information\n"
        "# about the implementation.\n"
        "method GetInfo() -> (\n"
        "  vendor: string,\n"
        "  product: string,\n"
        "  version: string,\n"
        "  url: string,\n"
        "  interfaces: []string\n"
        ")\n"
        "\n"
        "# Get the description of an interface that is implemented by this service.\n"
        "method GetInterfaceDescription(interface: string) -> (description: string)\n"
        "\n"
        "# The requested interface was not found.\n"
        "error InterfaceNotFound (interface: string)\n"
        "\n"
        "# The requested method was not found\n"
        "error MethodNotFound (method: string)\n"
        "\n"
        "# The interface defines the requested method, but the service does not\n"
        "# implement it.\n"
        "error MethodNotImplemented (method: string)\n"
        "\n"
        "# One of the passed parameters is invalid.\n"
        "error InvalidParameter (parameter: string)\n"
        "\n"
        "# Client is denied access\n"
        "error PermissionDenied ()\n"
        "\n"
        "# Method is expected to be called with 'more' set to true, but wasn't\n"
        "error ExpectedMore ()\n";

static int get_info(struct rf_varlink_call *c, void *arg)
{
        const struct rf_varlink_server *s = arg;
        const struct rf_varlink_options *o = rf_varlink_server_options(s);
        _cleanup_json_ json_t *names = json_array();
        const struct rf_idl *idl;
        json_t *reply;
        size_t at = 0;

        while (names && (idl = rf_varlink_server_interface(s, &at, NULL)))
                if (json_array_append_new(names, json_string(rf_idl_name(idl))) < 0)
                        return -ENOMEM;
        reply = json_pack("{s:s, s:s, s:s, s:s, s:O}", "vendor", o->vendor, "product", o->product, "version", o->version, "url", o->url,
                          "interfaces", names);
        return reply ? rf_varlink_call_reply(c, reply) : -ENOMEM;
}

static int get_interface_description(struct rf_varlink_call *c, void *arg)
{
        const char *name = json_string_value(json_object_get(rf_varlink_call_parameters(c), "interface"));
        const struct rf_idl *idl = rf_varlink_server_interface(arg, NULL, name);
        json_t *parameters = idl ? json_pack("{s:s}", "description", rf_idl_text(idl)) : json_pack("{s:s}", "interface", name);

        if (!parameters)
                return -ENOMEM;
        return idl ? rf_varlink_call_reply(c, parameters) : rf_varlink_call_error(c, RF_VARLINK_INTERFACE_NOT_FOUND, parameters);
}

const struct rf_varlink_method rf_varlink_standard_methods[] = {
        { "GetInfo", get_info },
        { "GetInterfaceDescription", get_interface_description },
};
const size_t rf_varlink_standard_n_methods = ARRAY_SIZE(rf_varlink_standard_methods);
