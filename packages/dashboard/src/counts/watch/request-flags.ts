/** A status of 500 or more. */
export const FAILED = 1
/** A status from 400 to 499. */
export const CLIENT_ERROR = 2
/** A fallback gave the answer. */
export const DEGRADED = 4
/** Not failed, but slower than the objective. */
export const SLOW = 8
