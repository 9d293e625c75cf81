import { type Observable, throwError } from 'rxjs'
import type { ErrorAnswer } from '../../errors/contract/contract.ts'
import { isError, read } from '../../errors/safe-read.ts'
import type { Exchanges } from '../exchanges.ts'
import { fromNestError } from './nest-errors.ts'

/** The answers of errors that an exchange has translated and logged, until the filter sends them. */
const answers = new WeakMap<object, ErrorAnswer>()

/** Keeps the answer of an error that an exchange has logged. */
export function keepAnswer(error: unknown, answer: ErrorAnswer): void {
  if (typeof error === 'object' && error !== null) answers.set(error, answer)
}

/**
 * Answers the error of a handler of messages: its caller gets the contract's error body.
 *
 * An `RpcException` is answered as Nest does it, because transports give it a meaning: that of Kafka demands a retry.
 */
export function answerMessage(error: unknown, exchanges: Exchanges): Observable<never> {
  const body = bodyOf(error, exchanges)
  return throwError(() => body)
}

/** What a caller gets. An error that Nest made for this kind of message says it itself. */
function bodyOf(error: unknown, exchanges: Exchanges): object {
  const getError = isError(error) ? read(error, 'getError') : undefined
  if (typeof getError !== 'function') return answerOf(error, exchanges).body
  const given: unknown = getError.call(error)
  return typeof given === 'object' && given !== null ? given : { status: 'error', message: given }
}

/** Translates the error of a message, and logs it unless an exchange has done so. */
function answerOf(error: unknown, exchanges: Exchanges): ErrorAnswer {
  const kept = typeof error === 'object' && error !== null ? answers.get(error) : undefined
  return kept ?? exchanges.begin({ name: 'message' }).fail(fromNestError(error))
}
