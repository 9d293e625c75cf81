import type { HTTPException } from 'hono/http-exception'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { isError, read } from '../../errors/safe-read.ts'
import { isErrorStatus, phraseOf } from '../../errors/status.ts'

/** The headers of a prepared response that belong to its error. */
const KEPT = ['www-authenticate', 'proxy-authenticate', 'retry-after', 'content-range', 'allow']

/**
 * Converts Hono's `HTTPException` to an error that the contract trusts. Returns any other error unchanged.
 *
 * Hono's own middleware throws it, and so does a service that means this status. Its message reaches the client below 500.
 */
export function fromHonoError(error: unknown): unknown {
  if (!isHttpException(error)) return error
  const { status, message, res } = error
  // That of `bodyLimit`. The other frameworks have the same code.
  if (status === 413) return new WellKnown.PAYLOAD_TOO_LARGE(undefined, { cause: error })
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

/** Not `instanceof`: an app that was loaded with `require` has another class than this module. */
function isHttpException(error: unknown): error is HTTPException {
  const name = read(read(error, 'constructor'), 'name')
  return isError(error) && name === 'HTTPException' && typeof read(error, 'getResponse') === 'function'
}
