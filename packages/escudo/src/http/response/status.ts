/**
 * Whether a status is a failure of the dependency: 500 and above, and the three below that say "not now". Any other 4xx
 * is an answer like any other; the transport worked.
 */
export function isFailure(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429
}

const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Whether the same request may succeed a moment later. A 501 or a 505 says the same tomorrow. */
export function isTransient(status: number): boolean {
  return TRANSIENT.has(status)
}

/** Whether the dependency says that it, or we, have too much to do: then it may also say when to come back. */
export function isUnavailable(status: number): boolean {
  return status === 503 || status === 429
}
