import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { jsonTypeError, parseJson } from '../json-body.ts'
import type { NodePair } from '../node/front.ts'
import { readBytes } from '../node/read-json.ts'

// The JSON body of a request of web standards, up to a limit.

/** The JSON body of a request, and its bytes: none for a request without a body, whose value is undefined. */
interface JsonBody {
  readonly value: unknown
  readonly bytes: Uint8Array | undefined
}

const NO_BODY: JsonBody = { value: undefined, bytes: undefined }

/**
 * Reads and parses the JSON body of a request.
 *
 * @param node Node's objects of the request, where there are any
 * @throws 415 for another media type, 413 above the limit, 400 for malformed JSON
 */
export async function readJson(request: Request, node: NodePair | undefined, limit: number): Promise<JsonBody> {
  if (!hasJsonBody(request, node, limit)) return NO_BODY
  const incoming = node?.request
  // On Node, a cancelled stream of web standards would close the connection before the client has read the 413.
  const bytes = await (incoming === undefined ? readStream(request.body, limit) : readBytes(incoming, limit))
  return { value: parseJson(bytes), bytes }
}

/**
 * Reads the body as {@link readJson} does, but leaves it to the handler, which may read it in another way.
 *
 * @param bytesRead the bytes of a body that something has read before
 */
export async function peekJson(
  request: Request,
  node: NodePair | undefined,
  limit: number,
  bytesRead: Promise<Uint8Array> | undefined,
): Promise<JsonBody> {
  if (!hasJsonBody(request, node, limit)) return NO_BODY
  const bytes = await (bytesRead ?? readStream(request.clone().body, limit))
  return { value: parseJson(bytes), bytes }
}

/** Checks the headers of a body. False if there is none. */
function hasJsonBody({ headers }: Request, node: NodePair | undefined, limit: number): boolean {
  // On Node, the first one if there are several, as with every other framework.
  const type = node?.request.headers['content-type'] ?? headers.get('content-type') ?? undefined
  const length = headers.get('content-length')
  if (type === undefined && (length === null || length === '0') && headers.get('transfer-encoding') === null)
    return false
  const typeError = jsonTypeError(type, headers.get('content-encoding') ?? undefined)
  if (typeError !== undefined) throw typeError
  if (length !== null && Number(length) > limit) throw new WellKnown.PAYLOAD_TOO_LARGE()
  return true
}

/** Parses a JSON body that was read before. Throws what {@link readJson} throws. */
export function parseLimited(bytes: Uint8Array, headers: Headers, limit: number): unknown {
  const error = jsonTypeError(headers.get('content-type') ?? undefined, headers.get('content-encoding') ?? undefined)
  if (error !== undefined) throw error
  if (bytes.byteLength > limit) throw new WellKnown.PAYLOAD_TOO_LARGE()
  return parseJson(bytes)
}

/** Reads a stream. Rejects with 413 `PAYLOAD_TOO_LARGE` above the limit. */
export async function readStream(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  if (stream === null) return new Uint8Array()
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return joined(chunks, length)
    length += value.byteLength
    if (length > limit) {
      // Not awaited: the client may never end its body.
      reader.cancel().catch(() => {})
      throw new WellKnown.PAYLOAD_TOO_LARGE()
    }
    chunks.push(value)
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks
  if (chunks.length === 1 && first !== undefined) return first
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}
