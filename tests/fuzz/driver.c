/* Runs a fuzzer over the files of a directory, where there is no libFuzzer: each is a test case. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file as it is, then cut and with each byte flipped now and then: a corpus of a few files reaches further. */
static void vary(uint8_t *data, size_t size)
{
        uint64_t x = 88172645463325252ull;

        LLVMFuzzerTestOneInput(data, size);
        for (size_t n = 0; n < size; n += 1 + size / 200)
                LLVMFuzzerTestOneInput(data, n);
        for (unsigned i = 0; i < 2000 && size > 0; i++) {
                size_t at;
                uint8_t old;

                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                at = (size_t)(x >> 8) % size;
                old = data[at];
                data[at] = (uint8_t)x;
                LLVMFuzzerTestOneInput(data, size);
                data[at] = old;
        }
}

int main(int argc, char **argv)
{
        static uint8_t data[1 << 20];
        const char *directory = argc > 1 ? argv[1] : ".";
        struct dirent **entries;
        int n = scandir(directory, &entries, NULL, alphasort), count = 0;

        for (int i = 0; i < n; i++) {
                char path[4096];
                uint8_t *exact;
                size_t size;
                FILE *f;

                snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
                f = entries[i]->d_name[0] == '.' ? NULL : fopen(path, "rb");
                if (!f)
                        continue;
                size = fread(data, 1, sizeof(data), f);
                fclose(f);
                exact = malloc(size + 1); /* a buffer of its own size, for the sanitizers */
                if (!exact)
                        return 1;
                memcpy(exact, data, size);
                vary(exact, size);
                free(exact);
                printf("ok %d - %s\n", ++count, entries[i]->d_name);
        }
        printf("1..%d\n", count);
        return count == 0;
}
