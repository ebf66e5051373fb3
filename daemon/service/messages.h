/*
 * Messages that a person must act on: each has an id, by which the journal finds its explanation (systemd/recflow.catalog). An id stays with
 * its meaning for ever.
 */
#pragma once

#define RF_MESSAGE_CONFIGURATION "d48d566b960c4404b3333871a3c79095" /* the configuration can't be read */
#define RF_MESSAGE_PROVIDER      "1841224bec114bd894e17748544fa47b" /* a provider can't be used */
#define RF_MESSAGE_SET_ASIDE     "c0c266ffb16842399d634c57bcd185ed" /* a store was damaged and set aside */
#define RF_MESSAGE_STORE         "a92af5873b97494590f29f1368768478" /* a store can't be opened */
#define RF_MESSAGE_EMBEDDED      "31cc2d7a69b640738a9afa75572e3148" /* nobody but the embedded provider answers */
#define RF_MESSAGE_LOGIN         "a25c3cdd0df841dcb2c08d174d6d530e" /* a service wants a login */
#define RF_MESSAGE_QUOTA         "9ffcd9380d9a4bb4944682dcd7100384" /* a service's long quota is used up */
#define RF_MESSAGE_CERTIFICATE   "396a704a7aba4a85a8a9a3dff63b16b0" /* a service shows a certificate of nobody we know */
#define RF_MESSAGE_SOCKET        "10ae58fb6e104c289db80a4303c00df9" /* clients can't be served at the socket */
#define RF_MESSAGE_DATA          "0bb2db1f72d74c8096a5e7ec38e01fbe" /* what came with the program is missing */
