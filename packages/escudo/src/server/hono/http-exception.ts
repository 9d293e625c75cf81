import { HTTPException } from 'hono/http-exception'
import { isErrorStatus, phraseOf } from '../../errors/status.ts'

/** The headers of a prepared response that belong to its error. */
const KEPT = ['www-authenticate', 'proxy-authenticate', 'retry-after', 'content-range', 'allow']

/**
 * Converts Hono's `HTTPException` to an error that the contract trusts. Returns any other error unchanged.
 *
 * Hono's own middleware throws it, and so does a service that means this status. Its message reaches the client below 500.
 */
export function fromHonoError(error: unknown): unknown {
  if (!(error instanceof HTTPException)) return error
  const { status, message, res } = error
  // 500 is what Hono makes of a bug.
  if (!isErrorStatus(status) || status === 500) return error
  const headers = Object.fromEntries(
    KEPT.flatMap((name) => {
      const value = res?.headers.get(name)
      return value === null || value === undefined ? [] : [[name, value]]
    }),
  )
  const text = status < 500 && message !== '' ? message : phraseOf(status)
  return Object.assign(new Error(text, { cause: error }), { status, statusCode: status, expose: true, headers })
}
