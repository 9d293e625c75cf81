import { WellKnown } from '../../errors/catalogue/well-known.ts'
import { factsOf } from '../../errors/error-facts.ts'
import { isError, read, readItems } from '../../errors/safe-read.ts'
import { isErrorStatus, phraseOf } from '../../errors/status.ts'

/** How many messages of one exception are sent: a pipe gives one for each fault. */
const MESSAGES_MAX = 20

/**
 * Converts Nest's `HttpException` to an error that the contract trusts. Returns any other thrown value unchanged.
 *
 * Its message reaches the client below 500; nothing else of its response does.
 */
export function fromNestError(error: unknown): unknown {
  const status = statusOf(error)
  // 500 is a bug, and so is a status that is no error.
  if (status === undefined || status === 500) return error
  // The exception of @nestjs/throttler, which sets the headers itself.
  if (status === 429 && read(error, 'name') === 'ThrottlerException') {
    return new WellKnown.RATE_LIMITED(undefined, { cause: error })
  }
  const text = status < 500 ? messageOf(error) : undefined
  const converted = new Error(text ?? phraseOf(status), { cause: error })
  return Object.assign(converted, { status, statusCode: status, expose: true })
}

/** Whether Nest's own handler of unknown routes threw this error. */
export function isUnknownRoute(error: unknown, method: string, url: string): boolean {
  return statusOf(error) === 404 && read(error, 'message') === `Cannot ${method} ${url}`
}

/** The status of an `HttpException`; undefined for any other value. Without `instanceof`: there can be two copies of Nest. */
function statusOf(error: unknown): number | undefined {
  if (!isError(error) || factsOf(error) !== undefined) return undefined
  const status = call(error, 'getStatus')
  return isErrorStatus(status) && typeof read(error, 'getResponse') === 'function' ? status : undefined
}

function call(error: Error, method: string): unknown {
  const body = read(error, method)
  try {
    return typeof body === 'function' ? body.call(error) : undefined
  } catch {
    return undefined
  }
}

/** What an exception says to the client: its text, or the message in its response, which a pipe makes a list. */
function messageOf(error: unknown): string | undefined {
  const response = call(error as Error, 'getResponse')
  const message = typeof response === 'string' ? response : read(response, 'message')
  if (typeof message === 'string') return message === '' ? undefined : message
  const texts = readItems(response, 'message', MESSAGES_MAX).filter((item) => typeof item === 'string')
  return texts.length === 0 ? undefined : texts.join('; ')
}
