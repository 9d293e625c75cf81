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
  const getError = isError(error) ? read(error, 'getError') : undefined
  if (typeof getError === 'function') {
    const given: unknown = getError.call(error)
    return throwError(() => (typeof given === 'object' ? given : { status: 'error', message: given }))
  }
  const { body } = answerOf(error, exchanges)
  return throwError(() => body)
}

/** Translates the error of a message, and logs it unless an exchange has done so. */
export function answerOf(error: unknown, exchanges: Exchanges): ErrorAnswer {
  const kept = typeof error === 'object' && error !== null ? answers.get(error) : undefined
  return kept ?? exchanges.begin({ name: 'message' }).fail(fromNestError(error))
}
