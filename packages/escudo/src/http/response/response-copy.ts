/**
 * Returns a copy of a response with another body; everything else is the same.
 *
 * `new Response` alone would lose `url` and `redirected`. It also refuses statuses of 600 and above and some bytes in a
 * status text, although servers send them.
 */
export function withBody(response: Response, body: ReadableStream | Uint8Array<ArrayBuffer>): Response {
  const { status, headers } = response
  return withMetadataOf(response, new Response(body, { status: Math.min(status, 599), headers }))
}

const KEPT = ['status', 'statusText', 'ok', 'url', 'redirected', 'type'] as const

function withMetadataOf(original: Response, copy: Response): Response {
  for (const key of KEPT) {
    if (copy[key] !== original[key]) Object.defineProperty(copy, key, { value: original[key], configurable: true })
  }
  const clone = copy.clone.bind(copy)
  const value = (): Response => withMetadataOf(original, clone())
  return Object.defineProperty(copy, 'clone', { value, configurable: true, writable: true })
}
