import { WellKnown } from '../errors/catalogue/well-known.ts'
import { isError, read } from '../errors/safe-read.ts'

const TOO_LARGE: readonly unknown[] = [
  'LIMIT_PART_COUNT',
  'LIMIT_FILE_SIZE',
  'LIMIT_FILE_COUNT',
  'LIMIT_FIELD_KEY',
  'LIMIT_FIELD_VALUE',
  'LIMIT_FIELD_COUNT',
]
const MALFORMED: readonly unknown[] = [
  'LIMIT_UNEXPECTED_FILE',
  'LIMIT_FIELD_NESTING',
  'LIMIT_FIELD_ARRAY_INDEX',
  'MISSING_FIELD_NAME',
  'INVALID_FIELD_NAME',
]
// busboy throws plain errors for bodies that it cannot read.
const BUSBOY: readonly unknown[] = [
  'Malformed part header',
  'Unexpected end of form',
  'Malformed content type',
  'Multipart: Boundary not found',
]

/** The mapper of `multer`, on Express and on Koa: 413 over a limit, 400 for an unexpected field. */
export function fromMulter(error: unknown): unknown {
  // Its own class sets the name from itself.
  if (!isError(error) || read(error, 'name') !== 'MulterError') return undefined
  if (read(read(error, 'constructor'), 'name') !== 'MulterError') return undefined
  const code = read(error, 'code')
  if (TOO_LARGE.includes(code)) return new WellKnown.PAYLOAD_TOO_LARGE(undefined, { cause: error })
  return MALFORMED.includes(code) ? new WellKnown.BAD_REQUEST(undefined, { cause: error }) : undefined
}

/** The mapper of `busboy`: 400 for a body that it cannot read. */
export function fromBusboy(error: unknown): unknown {
  if (!isError(error) || !BUSBOY.includes(read(error, 'message'))) return undefined
  const [, ...frames] = String(read(error, 'stack') ?? '').split('\n')
  const isOwn = frames.some((frame) => /[\\/](?:@fastify[\\/])?busboy[\\/]/.test(frame))
  return isOwn ? new WellKnown.BAD_REQUEST(undefined, { cause: error }) : undefined
}
