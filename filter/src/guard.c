/* Calls a hook so that a panic in it comes back here instead of ending the process.
 *
 * In C, since a function that returns twice cannot be called from Zig. What the hook had locked is
 * for its caller to give up.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>

static _Thread_local jmp_buf *way_out;

/* False when `body` panicked. */
bool laneway_guarded(void (*body)(void *), void *argument) {
    jmp_buf here;
    jmp_buf *outer = way_out;
    if (_setjmp(here) != 0) {
        way_out = outer;
        return false;
    }
    way_out = &here;
    body(argument);
    way_out = outer;
    return true;
}

/* To be called by the panic handler. */
_Noreturn void laneway_escape(void) {
    if (way_out == NULL) abort();
    longjmp(*way_out, 1);
}
