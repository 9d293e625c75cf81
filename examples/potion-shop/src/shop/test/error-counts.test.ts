import { createLogger } from 'escudo/pino'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ErrorCounts } from '../error-counts.ts'

function counter() {
  let nowMs = 0
  const counts = new ErrorCounts(() => nowMs)
  const logError = (error_kind: unknown, error_code: unknown, extra: object = {}): void =>
    counts.write(`${JSON.stringify({ error_kind, error_code, status_code: 500, ...extra, event: 'http_error' })}\n`)
  const advance = (ms: number): void => {
    nowMs += ms
  }
  return { counts, logError, advance }
}

test('counts errors by kind and code', () => {
  const { counts, logError } = counter()
  logError('business', 'ITEM_NOT_FOUND')
  logError('business', 'ITEM_NOT_FOUND')
  logError('business', 'EMAIL_ALREADY_EXISTS')
  logError('technical', 'UPSTREAM_ERROR')
  expect(counts.status()).toMatchObject({
    business: { total: 3, by_code: { ITEM_NOT_FOUND: 2, EMAIL_ALREADY_EXISTS: 1 } },
    technical: { total: 1, by_code: { UPSTREAM_ERROR: 1 } },
  })
})

test('fires the alert at five technical errors within a minute', () => {
  const { counts, logError, advance } = counter()
  for (let i = 0; i < 100; i += 1) logError('business', 'ITEM_NOT_FOUND')
  for (let i = 0; i < 4; i += 1) logError('technical', 'UPSTREAM_ERROR')
  expect(counts.status().alert).toEqual({ window_s: 60, technical: 4, threshold: 5, firing: false })
  advance(59_999)
  logError('technical', 'UPSTREAM_ERROR')
  expect(counts.status().alert).toMatchObject({ technical: 5, firing: true })
  advance(1)
  expect(counts.status().alert).toMatchObject({ technical: 1, firing: false })
  // This error reuses the bucket of the first ones.
  logError('technical', 'UPSTREAM_ERROR')
  expect(counts.status().alert).toMatchObject({ technical: 2 })
  advance(10 * 60_000)
  expect(counts.status()).toMatchObject({ technical: { total: 6 }, alert: { technical: 0 } })
})

test('ignores other lines, closed connections and text that a client put into a line', () => {
  const { counts, logError } = counter()
  logError('technical', 'UPSTREAM_ERROR', { status_code: 499 })
  logError('other', 'UPSTREAM_ERROR')
  logError('technical', 5)
  counts.write('{"event":"http.request","error_kind":"technical","error_code":"X"}\n')
  const path = '/"event":"http_error"'
  counts.write(`${JSON.stringify({ path, note: { event: 'http_error' }, error_kind: 'technical', event: 'other' })}\n`)
  const { business, technical } = counts.status()
  expect([business, technical]).toEqual([
    { total: 0, by_code: {} },
    { total: 0, by_code: {} },
  ])
})

test('bounds the number of codes and counts hostile names as names', () => {
  const { counts, logError } = counter()
  for (let i = 0; i < 1_000; i += 1) logError('business', `CODE_${i}`)
  const { total, by_code } = counts.status().business
  expect([total, Object.keys(by_code).length, by_code['OTHER']]).toEqual([1_000, 201, 800])
  logError('technical', '__proto__')
  expect(Object.entries(counts.status().technical.by_code)).toEqual([['__proto__', 1]])
})

test('counts what the line itself says, whatever a client put into its text', () => {
  const hostile = fc.oneof(
    fc.constantFrom('", "', '\\', '{', '}', '"error_code":"FAKE","error_kind":"technical"', '"event":"http_error",'),
    fc.string({ unit: 'binary', maxLength: 20 }),
  )
  const text = fc.array(hostile, { maxLength: 4 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(
      text,
      text,
      fc.constantFrom('business', 'technical', 'other'),
      fc.constantFrom('A_CODE', 'lower case', 'NO"'),
      fc.constantFrom(404, 499, 503),
      (service, detail, error_kind, error_code, status_code) => {
        const lines: string[] = []
        const sink = { write: (line: string) => void lines.push(line) }
        const log = createLogger({ service: `s${service}`, stdout: false, sink })
        const context = { error_code: 'NESTED', error_kind: 'technical', event: 'http_error' }
        log.info({ status_code, detail, error_code, error_kind, context }, 'http_error')
        log.info({ context, detail }, 'http.request')
        const counts = new ErrorCounts()
        for (const line of lines) counts.write(line)
        const expected = status_code === 499 ? {} : { [error_code]: 1 }
        for (const kind of ['business', 'technical'] as const) {
          expect(counts.status()[kind].by_code).toEqual(kind === error_kind ? expected : {})
        }
      },
    ),
    { numRuns: 300 },
  )
})
