import { header } from './answer.ts'
import type { ConformanceCheck } from './conformance-check.ts'
import { exchangeBytes, requestText, type Target } from './connection.ts'
import { expectError, expectSame, expectThat } from './expectations.ts'

/** A request and the answer that it must get. */
export interface GoldenAnswer {
  /** Default `GET`. */
  readonly method?: string
  readonly path: string
  /** The headers of the request. */
  readonly headers?: Readonly<Record<string, string>>
  /** The body of the request, sent as JSON. */
  readonly body?: unknown
  readonly status: number
  /** The code of the error body that is expected. Default: the answer is none. */
  readonly code?: string
  /** The whole `context` of the error body. Default: not compared. */
  readonly context?: unknown
  /** The message of the error body, or a part of it. Default: not compared. */
  readonly message?: RegExp
  /** The whole body of a success, compared as JSON. Default: not compared. */
  readonly json?: unknown
  /** The text of a success. Default: not compared. */
  readonly text?: RegExp
  /** Headers that the answer must have; undefined for those that it must not have. Names in lower case. */
  readonly answerHeaders?: Readonly<Record<string, string | undefined>>
  /** Whether the answer must be broken off, so that its client notices. Default false. */
  readonly isBroken?: boolean
}

/** The checks of requests with known answers. */
export function goldenChecks(target: Target, golden: readonly GoldenAnswer[]): readonly ConformanceCheck[] {
  return golden.map((answer) => ({ name: nameOf(answer), run: () => check(target, answer) }))
}

function nameOf({ method = 'GET', path, headers, body, status, code }: GoldenAnswer): string {
  const fields = Object.entries(headers ?? {}).map(([name, value]) => ` ${name}: ${value}`)
  const sent = body === undefined ? '' : ` ${JSON.stringify(body)}`
  return `${method} ${path}${fields.join('')}${sent} is ${status}${code === undefined ? '' : ` ${code}`}`
}

async function check(target: Target, golden: GoldenAnswer): Promise<void> {
  const { method = 'GET', path, headers = {}, body, status, code } = golden
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const text = body === undefined ? undefined : JSON.stringify(body)
  const type = text === undefined ? [] : ['Content-Type: application/json']
  const [answer, ...more] = await exchangeBytes(target, requestText(method, path, [...type, ...fields], text), [method])
  if (answer === undefined) throw new Error('expected an answer, got a closed connection')
  expectSame('further answers', more.length, 0)
  for (const [name, value] of Object.entries(golden.answerHeaders ?? {})) expectSame(name, header(answer, name), value)
  if (golden.isBroken === true) {
    expectThat(!answer.isComplete, 'expected a body that is broken off, got a complete one')
    return
  }
  if (code !== undefined) {
    const expected = { status, code, ...('context' in golden ? { context: golden.context } : {}) }
    const { message } = expectError(answer, { ...expected, isHead: method === 'HEAD' })
    if (golden.message !== undefined) expectMatch('message', String(message), golden.message)
    return
  }
  expectSame('status', answer.status, status)
  expectThat(/^[0-9a-f]{32}$/.test(header(answer, 'x-trace-id') ?? ''), 'expected the header x-trace-id')
  if (golden.json !== undefined) expectSame('body', JSON.parse(answer.body), golden.json)
  if (golden.text !== undefined) expectMatch('body', answer.body, golden.text)
}

function expectMatch(what: string, text: string, pattern: RegExp): void {
  expectThat(pattern.test(text), `${what}: expected ${pattern}, got ${JSON.stringify(text.slice(0, 500))}`)
}
