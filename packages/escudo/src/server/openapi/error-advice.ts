import type { ListedError } from './listed-error.ts'

const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'Send valid credentials.',
  403: 'Do not send the request again: the caller may not do this.',
  404: 'Check the path, and the ids in it.',
  405: 'Use a method of the `Allow` header.',
  409: 'Read the state again, and decide from it.',
  413: 'Send a smaller body.',
  414: 'Move data from the URL into the body.',
  415: 'Send the content type that the route accepts.',
  422: 'Fix the values that `context` names.',
}

const AFTER = 'Wait for the time in `Retry-After`, or if it is missing, longer with each attempt.'

/** What a client should do about an error. */
export function adviceFor({ kind, retry, status }: Pick<ListedError, 'kind' | 'retry' | 'status'>): string {
  const mayRetry = status === 429 || status === 408 || retry === 'safe'
  if (kind === 'business') {
    if (status === 429) return `Send the same request again later. ${AFTER}`
    if (mayRetry) return 'Send the same request again.'
    const advice = BY_STATUS[status] ?? 'Change the request.'
    if (status === 404 || status === 409)
      return `${advice} The same request gets the same answer until the state changes.`
    return `${advice} The same request gets the same answer.`
  }
  if (!mayRetry) return 'Do not send the request again. Report the `trace_id`: the log of the service has the cause.'
  return `Send the same request again, if its method is idempotent (GET, HEAD, OPTIONS, PUT, DELETE) or it has an \`Idempotency-Key\`. ${AFTER} If it persists, report the \`trace_id\`.`
}
