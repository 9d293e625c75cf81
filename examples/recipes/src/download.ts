// Reads a large object over HTTP in ranges (RFC 9110, section 14), and resumes where it failed.
import { circuitBreaker, exponential, retry, type Shield, shield, timeout } from 'escudo'
import type { ResilientFetch } from 'escudo/http'
import { countFaults, type FaultOf, retryIdempotent } from './fault.ts'
import { httpFault } from './http-fault.ts'
import { type Piece, pieces } from './pieces.ts'

const PIECE_BYTES = 4 * 1024 * 1024

/** The object changed during the download, or the server does not support ranges. Begin again, or do without. */
export class CannotResumeError extends Error {}

/** What an error of a piece means. */
export const downloadFault: FaultOf = (error) => (error instanceof CannotResumeError ? 'caller' : httpFault(error))

/** Makes the shield of downloads from one host. The timeouts are those of one piece, not of the whole object. */
export function downloadShield(name: string): Shield {
  return shield(
    name,
    retry({
      maxRetries: 5,
      backoff: exponential({ base: '200ms', max: '5s' }),
      classify: retryIdempotent(downloadFault),
    }),
    circuitBreaker({ classify: countFaults(downloadFault) }),
    timeout('30s', { name: 'piece' }),
  )
}

/** Options of {@link download}. */
export interface DownloadOptions {
  readonly shield: Shield
  /** Continues an earlier download, whose `etag` must be known. Default: from the start. */
  readonly from?: { readonly offset: number; readonly etag: string }
  /** The largest size of a piece in bytes. Default 4 MiB. */
  readonly pieceBytes?: number
  readonly signal?: AbortSignal
}

/** A piece of an object. To continue later, store its end and the etag together with its bytes. */
export interface DownloadedPiece {
  readonly bytes: Uint8Array
  readonly offset: number
  /** Undefined only for an empty object. */
  readonly etag: string | undefined
  /** The size of the whole object. */
  readonly size: number
}

interface Position {
  readonly offset: number
  readonly etag: string | undefined
}

/**
 * Downloads an object piece by piece.
 *
 * @param get a client with `shield: false` and `errors: 'throw'`
 * @throws CannotResumeError if the object changes meanwhile, or the server ignores ranges
 */
export function download(get: ResilientFetch, url: string, options: DownloadOptions): AsyncIterable<DownloadedPiece> {
  const { shield, pieceBytes = PIECE_BYTES, signal } = options
  const start: Position = options.from ?? { offset: 0, etag: undefined }
  return pieces(start, (position) =>
    // The body is read inside the call. Otherwise its timeout and retries would end with the headers.
    shield.run(
      (call) => readPiece(get, url, position, pieceBytes, call.signal),
      signal === undefined ? {} : { signal },
    ),
  )
}

async function readPiece(
  get: ResilientFetch,
  url: string,
  { offset, etag }: Position,
  pieceBytes: number,
  signal: AbortSignal,
): Promise<Piece<DownloadedPiece, Position>> {
  const headers = {
    range: `bytes=${offset}-${offset + pieceBytes - 1}`,
    // A compressed body has other offsets.
    'accept-encoding': 'identity',
    // 412 if the object has changed. Without it, the pieces of two versions would be mixed.
    ...(etag !== undefined && { 'if-match': etag }),
  }
  let response: Response
  try {
    response = await get(url, { headers, signal })
  } catch (error) {
    const { status } = error as { status?: number }
    // Nothing is left: the object is empty, or the earlier download was complete. The etag was checked first.
    if (status === 416) return { value: { bytes: new Uint8Array(), offset, etag, size: offset }, next: undefined }
    throw status === 412 ? new CannotResumeError(`${url} has changed`, { cause: error }) : error
  }
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? []
  const tag = response.headers.get('etag')
  const isExact = response.status === 206 && Number(first) === offset && !response.headers.has('content-encoding')
  if (!isExact || tag === null || tag.startsWith('W/')) {
    await response.body?.cancel()
    throw new CannotResumeError(`${url} does not support ranges with a strong etag (status ${response.status})`)
  }
  if (etag !== undefined && tag !== etag) throw new CannotResumeError(`${url} has changed`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const end = Number(last) + 1
  if (bytes.length !== end - offset) throw new CannotResumeError(`${url} sent a piece of the wrong length`)
  const size = Number(total)
  return { value: { bytes, offset, etag: tag, size }, next: end < size ? { offset: end, etag: tag } : undefined }
}
