#include "net/crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

int rf_crypto_start(void)
{
        if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1 || !OSSL_LIB_CTX_get0_global_default() || RAND_status() != 1)
                return -ENOMEM;
        return 0;
}
