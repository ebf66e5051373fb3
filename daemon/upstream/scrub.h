/* What a service says is shown to people, and some services repeat in their errors what they were sent. */
#pragma once

/* Blots a secret out of a text, in place; also where only its beginning is left, as at the end of a text that was cut. NULL: none. */
void rf_scrub(char *text, const char *secret);
