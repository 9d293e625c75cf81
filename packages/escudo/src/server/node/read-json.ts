import type { IncomingMessage } from 'node:http'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { jsonTypeError, parseJson } from '../json-body.ts'

/**
 * Reads the JSON body of a request.
 *
 * A body that is too large is not read further: `drainRequest` must read the rest of it while the answer is sent.
 *
 * @returns the value. Rejects with 400 `MALFORMED_JSON` for an empty or malformed body, 413 `PAYLOAD_TOO_LARGE`, 415
 * `UNSUPPORTED_MEDIA_TYPE`, and with `ECONNRESET` if the client disconnects
 */
export async function readJson(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const { headers } = request
  const isEmpty = !hasBody(request)
  const type = headers['content-type']
  // The header of an empty body counts too, if there is one.
  const error = isEmpty && type === undefined ? undefined : jsonTypeError(type, headers['content-encoding'])
  if (error !== undefined) throw error
  if (isEmpty) throw new WellKnown.MALFORMED_JSON()
  if (Number(headers['content-length'] ?? 0) > limitBytes) throw new WellKnown.PAYLOAD_TOO_LARGE()
  return parseJson(await readBytes(request, limitBytes))
}

/**
 * Reads the JSON body of a request that a body parser may have read before.
 *
 * @param parsed what the parser has made of it. It is checked as if it were read here
 */
export async function readParsed(request: IncomingMessage, parsed: unknown, limitBytes: number): Promise<unknown> {
  if (parsed === undefined || !request.readableDidRead) return await readJson(request, limitBytes)
  // The parser has decoded it.
  const error = jsonTypeError(request.headers['content-type'], undefined)
  if (error !== undefined) throw error
  const text = JSON.stringify(parsed) ?? ''
  if (Buffer.byteLength(text) > limitBytes) throw new WellKnown.PAYLOAD_TOO_LARGE()
  return parseJson(text)
}

/** Whether a request has a body that is not empty, as far as its headers tell. */
function hasBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Reads the body of a request, at most `limitBytes`. Rejects with 413 `PAYLOAD_TOO_LARGE` above, and with `ECONNRESET` if
 * the client disconnects.
 */
export function readBytes(request: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const settle = (): void => {
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      // An error without a listener would be thrown.
      request.on('error', () => {})
    }
    const onData = (chunk: Uint8Array): void => {
      length += chunk.length
      if (length <= limitBytes) {
        chunks.push(chunk)
        return
      }
      settle()
      request.pause()
      reject(new WellKnown.PAYLOAD_TOO_LARGE())
    }
    const onEnd = (): void => {
      settle()
      resolve(chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks))
    }
    const onError = (error: Error): void => {
      settle()
      reject(error)
    }
    const onClose = (): void => onError(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
    // Something has read the body, or the client has disconnected: no event will follow.
    if (request.readableEnded) onEnd()
    else if (request.destroyed) onClose()
  })
}
