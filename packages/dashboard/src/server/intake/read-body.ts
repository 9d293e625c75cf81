import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

/** The most bytes of a body, also after it was decompressed. */
export const BODY_BYTES_MAX = 8_388_608

const inflate = promisify(gunzip)

/** A request that cannot be answered with success, and why. Its message is for the sender. */
export class IntakeError extends Error {
  override readonly name = 'IntakeError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Whether a body is compressed.
 *
 * @throws IntakeError for another encoding than gzip
 */
export function isGzip({ headers }: IncomingMessage): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  if (encoding === 'gzip' || encoding === 'x-gzip') return true
  if (encoding === '' || encoding === 'identity') return false
  throw new IntakeError(415, `the content encoding ${JSON.stringify(encoding)} is not supported: send gzip or none`)
}

/**
 * Reads a body as it was sent.
 *
 * @throws IntakeError for a body that is too long, or was not sent to its end
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) throw tooLong()
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > BODY_BYTES_MAX) throw tooLong()
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof IntakeError) throw error
    throw new IntakeError(400, 'the body was not sent to its end')
  }
  return Buffer.concat(chunks)
}

/**
 * Decompresses a body.
 *
 * @throws IntakeError for one that is not valid, or too long
 */
export async function decompressed(body: Buffer): Promise<Buffer> {
  try {
    return await inflate(body, { maxOutputLength: BODY_BYTES_MAX })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong()
    throw new IntakeError(400, 'the body is not valid gzip')
  }
}

function tooLong(): IntakeError {
  return new IntakeError(
    413,
    `a body has at most ${BODY_BYTES_MAX} bytes, also after it was decompressed: send less at once`,
  )
}
