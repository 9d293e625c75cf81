/**
 * Whether a status is a failure of the dependency: 500 and above, 408, 425 and 429.
 *
 * Any other 4xx is a normal response, because the transport worked.
 */
export function isFailure(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Whether the same request may succeed shortly after. A 501 or a 505 will not change. */
export function isTransient(status: number): boolean {
  return TRANSIENT.has(status)
}

/** Whether the dependency reports overload or a rate limit. Its `Retry-After` is honoured. */
export function isUnavailable(status: number): boolean {
  return status === 503 || status === 429
}
