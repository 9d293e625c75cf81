/**
 * A response with another body, in every other respect the same. `new Response` alone would lose `url` and `redirected`,
 * and it takes neither a status of 600 and above nor every byte in a status text, which servers send all the same.
 */
export function withBody(response: Response, body: ReadableStream | Uint8Array<ArrayBuffer>): Response {
  const { status, headers } = response
  return like(response, new Response(body, { status: Math.min(status, 599), headers }))
}

const KEPT = ['status', 'statusText', 'ok', 'url', 'redirected', 'type'] as const

function like(original: Response, copy: Response): Response {
  for (const key of KEPT) {
    if (copy[key] !== original[key]) Object.defineProperty(copy, key, { value: original[key], configurable: true })
  }
  const clone = copy.clone.bind(copy)
  const value = (): Response => like(original, clone())
  return Object.defineProperty(copy, 'clone', { value, configurable: true, writable: true })
}

/** Gives up a body that nobody will read, so that its connection can be used again. */
export function discard(body: { cancel(reason?: unknown): Promise<void> } | null): void {
  // A body that is locked, broken or gone already needs no giving up.
  body?.cancel().catch(() => {})
}
