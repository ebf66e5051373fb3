/*
 * Every limit on what anyone can make the daemon hold or do. Each has a name, a unit, and a test that reaches it.
 * Those that an administrator may want to change are defaults of options (service/options.c); the rest are fixed.
 */
#pragma once

#include <stdint.h>

/* sched */
#define RF_COROUTINES_MAX 16000u           /* each guarded stack is two mappings; the kernel's default allows 65,530 */
#define RF_STACK_SIZE (256u * 1024u)       /* bytes, committed lazily */
#define RF_STACK_GUARD (16u * 1024u)       /* bytes below each stack */
#define RF_STEP_SLOW_US 50000u             /* a step that holds the loop longer is counted and reported */
#define RF_READY_BATCH 256u                /* steps per pass of the loop before it looks at descriptors again */
#define RF_OFFLOAD_THREADS 4u
#define RF_OFFLOAD_QUEUE_MAX 1024u

/* text from outside */
#define RF_JSON_DEPTH_MAX 64u              /* levels; jansson needs about 305 bytes of stack for each */
#define RF_PROMPT_MAX 4096u                /* bytes */
#define RF_PROMPT_WORDS_MAX 256u

/* net */
#define RF_RESOLVER_THREADS 4u             /* lookups of names under way at once; a hung one holds its thread */
#define RF_RESOLVER_NAMES_MAX 64u          /* names remembered or under way */
#define RF_HTTP_TRANSFERS_MAX 100u         /* in libcurl at once; its cost per transfer grows with their number */
#define RF_HTTP_HEADERS_MAX 64u            /* of one response */
#define RF_HTTP_HEADER_BYTES_MAX (32u << 10) /* all header lines of one response */

/* provider */
#define RF_PLUGINS_MAX 16u
#define RF_PLUGIN_OPERATIONS_MAX 32u       /* entries in a plugin's table */
#define RF_OPERATION_WAYS_MAX 2u           /* in which a plugin can do one operation */
#define RF_RECORD_STRING_MAX 512u          /* bytes in a string of a record */
#define RF_RECORD_ARTISTS_MAX 16u          /* artists of a track */
#define RF_RECORD_GENRES_MAX 16u           /* genres of an artist */
#define RF_ANSWER_RECORDS_MAX 512u         /* records in one answer */
#define RF_ANSWER_BYTES_MAX (2u << 20)     /* decoded answer */
#define RF_RESPONSE_BYTES_MAX (1u << 20)   /* body from a service; jansson parses it in 10 ms, on the loop */
#define RF_REQUEST_BYTES_MAX (64u << 10)   /* URL, headers and body of a request */
#define RF_QUERY_IDS_MAX 100u
#define RF_SECRET_BYTES_MAX 4096u          /* of a file that holds a secret */

/* upstream */

#define RF_PACING_CLASSES_MAX 8u           /* of one provider */
#define RF_GATE_WAIT_MAX_US 60000000u      /* a call without a deadline isn't made to wait longer for a block or a pace, its turn aside */
#define RF_REFRESHES_MAX 32u               /* stale answers that are fetched anew in the background at once */
#define RF_RETRIES_SAVED_MAX 20u           /* retries that may be saved up */

/* store */
#define RF_STORE_KEY_MAX 511u              /* bytes, LMDB's own */
#define RF_CACHE_VALUE_MAX (4u << 20)
#define RF_RUN_RECORD_MAX (1u << 20)

/* flow */
#define RF_TRACKS_MAX 200u                 /* in a playlist */
#define RF_CANDIDATES_MAX 4096u
#define RF_BRIEF_TERMS_MAX 64u
#define RF_MENTIONS_MAX 16u                /* artists and tracks named in a prompt */
#define RF_EXCLUSIONS_MAX 128u             /* artists to stay away from: as many as there are terms in a prompt, and those of the option */
#define RF_LEFT_OUT_MAX 32u                /* wishes beyond a limit that are told one by one */
#define RF_WISH_LIST_MAX 64u               /* artists to exclude, names to be like */
#define RF_ORDER_INPUT_MAX 500u            /* tracks to order in one call */
#define RF_ORDER_EXACT_MAX 12u             /* tracks up to which the optimum is computed exactly */

/* observe */
#define RF_STATS_ENDPOINTS_MAX 64u         /* provider and endpoint told apart; others are counted as one */
#define RF_STATS_MINUTES 121u              /* kept minute by minute: two hours, and the minute that goes on */
#define RF_STATS_HOURS 169u                /* kept hour by hour: a week, and the hour that goes on */
#define RF_STATS_PROMPTS 1024u             /* prompts remembered, to know which runs repeat one */
#define RF_METRICS_CLIENTS_MAX 16u         /* connections to the listener for metrics */
#define RF_METRICS_IDLE_S 10u              /* one without a request is closed */

/* warm */
#define RF_WARM_ITEMS_MAX 1000u            /* prompts and seeds whose uses are counted; who is used least makes room */
#define RF_WARM_KEPT_MAX 200u              /* of them that somebody wants kept warm */
#define RF_WARM_RECORD_MAX (64u << 10)     /* bytes of one of them in the state store */
#define RF_WARM_SAVE_US 5000000u           /* how much of the counting a crash may cost */

/* control */
#define RF_MESSAGE_MAX (1u << 20)          /* bytes of one Varlink message */
#define RF_CLIENTS_MAX 1024u
#define RF_CLIENTS_PER_USER_MAX 768u
#define RF_CLIENT_STALL_US 30000000u       /* a reader that takes none of its replies for so long is dropped */
#define RF_CLIENT_IDLE_US 600000000u       /* a connection without a call or a stream */
#define RF_RUNS_AGE_MIN_US UINT64_C(1000000)   /* between two looks for runs that are too old: a tenth of that age, at least this.. */
#define RF_RUNS_AGE_MAX_US UINT64_C(600000000) /* ..and at most this */
#define RF_RUN_END_ATTEMPTS_MAX 3u         /* further tries to write a run's end to disk */
#define RF_RUN_END_PAUSE_US 500000u        /* before each of them */
#define RF_RUN_LATE_PAUSE_US UINT64_C(5000000) /* between further ones, once its client was told that it can't be written */
#define RF_RUNS_DROPPED_MAX 64u            /* ended runs that make room for one in a state store at its limit */
#define RF_SAVES_ACTIVE_MAX 16u            /* playlists being saved at once */
#define RF_SAVES_POSTPONED_MAX 256u        /* savings that wait until their service allows calls again; more fail */
#define RF_SAVE_PAUSE_MIN_US UINT64_C(5000000) /* such a wait, at least */
#define RF_SAVE_BATCH_MAX 100u             /* tracks added in one call */
#define RF_SAVE_SEARCHES_MAX 8u            /* tracks of one playlist looked for at once */
#define RF_SAVE_ATTEMPTS_MAX 3u            /* unclear failures in a row until a saving gives up; it can be taken up again */
#define RF_SAVE_SETTLE_US 2000000u         /* how long a write whose answer was lost is given to show, before it's looked for */
#define RF_SAVE_PAGES_MAX 40u              /* of a playlist that is read back */
#define RF_SAVE_NAME_MAX 100u              /* bytes in a playlist's name */
