import { header, type RawAnswer } from './answer.ts'

/** Fails with what was expected and what came. */
export function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [got, wanted] = [show(actual), show(expected)]
  if (got !== wanted) throw new Error(`${what}: expected ${wanted}, got ${got}`)
}

/** Fails unless a condition holds. */
export function expectThat(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
}

/** The error that an answer is expected to carry. */
export interface ExpectedError {
  readonly status: number
  readonly code: string
  /** The whole context. Default: not compared. */
  readonly context?: unknown
  /** Whether the answer is that to HEAD, which has no body. */
  readonly isHead?: boolean
}

const KEYS = ['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context']
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/
/** Headers that describe a body which was not sent. */
const DROPPED = [
  'etag',
  'last-modified',
  'expires',
  'content-encoding',
  'content-range',
  'content-disposition',
  'content-digest',
  'repr-digest',
  'cdn-cache-control',
  'surrogate-control',
  'trailer',
]

/** Fails unless an answer is an error of the contract. Returns its body. */
export function expectError(answer: RawAnswer, expected: ExpectedError): Readonly<Record<string, unknown>> {
  expectSame('status', answer.status, expected.status)
  expectHeaders(answer)
  if (expected.isHead === true) {
    expectSame('body of the answer to HEAD', answer.body, '')
    return {}
  }
  expectThat(answer.isComplete, 'the body of the answer is not complete')
  const body = parseObject(answer.body)
  const isProblem = header(answer, 'content-type')?.startsWith('application/problem+json') === true
  const keys = Object.keys(body)
  expectSame('keys of the body', isProblem ? keys.filter((key) => KEYS.includes(key)) : keys, KEYS)
  expectSame('error_code', body['error_code'], expected.code)
  expectSame('status_code', body['status_code'], expected.status)
  expectSame('trace_id', body['trace_id'], header(answer, 'x-trace-id'))
  expectThat(typeof body['message'] === 'string' && body['message'] !== '', 'expected a message')
  if ('context' in expected) expectSame('context', body['context'], expected.context)
  return body
}

function expectHeaders(answer: RawAnswer): void {
  const type = header(answer, 'content-type')
  expectThat(
    type === 'application/json; charset=utf-8' || type?.startsWith('application/problem+json') === true,
    `content-type: expected JSON in UTF-8 or a problem, got ${type}`,
  )
  const traceId = header(answer, 'x-trace-id')
  expectThat(TRACE_ID.test(traceId ?? ''), `x-trace-id: expected 32 hexadecimal digits once, got ${traceId}`)
  expectSame('cache-control', header(answer, 'cache-control'), 'no-store')
  const vary = (header(answer, 'vary') ?? '').toLowerCase().split(/\s*,\s*/)
  expectThat(
    vary.includes('*') || (vary.includes('accept') && vary.includes('accept-language')),
    `vary: expected Accept and Accept-Language, got ${vary.join(', ')}`,
  )
  for (const name of DROPPED) expectSame(name, header(answer, name), undefined)
  for (const name of ['content-type', 'content-length', 'cache-control', 'x-trace-id', 'vary']) {
    const count = answer.fields.filter(([key]) => key === name).length
    expectThat(count <= 1, `${name}: expected it once, got it ${count} times`)
  }
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Reported below.
  }
  throw new Error(`expected an object in JSON, got ${show(text)}`)
}
