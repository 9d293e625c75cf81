import { expect, test } from 'vitest'
import { ErrorCounts } from '../error-counts.ts'

function counter() {
  let nowMs = 0
  const counts = new ErrorCounts(() => nowMs)
  const tell = (error_kind: unknown, error_code: unknown, extra: object = {}): void =>
    counts.write(`${JSON.stringify({ error_kind, error_code, status_code: 500, ...extra, event: 'http_error' })}\n`)
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { counts, tell, pass }
}

test('errors are counted by kind and code', () => {
  const { counts, tell } = counter()
  tell('business', 'ITEM_NOT_FOUND')
  tell('business', 'ITEM_NOT_FOUND')
  tell('business', 'EMAIL_ALREADY_EXISTS')
  tell('technical', 'UPSTREAM_ERROR')
  expect(counts.status()).toMatchObject({
    business: { total: 3, by_code: { ITEM_NOT_FOUND: 2, EMAIL_ALREADY_EXISTS: 1 } },
    technical: { total: 1, by_code: { UPSTREAM_ERROR: 1 } },
  })
})

test('only technical errors make an alert, five of them within a minute', () => {
  const { counts, tell, pass } = counter()
  for (let i = 0; i < 100; i += 1) tell('business', 'ITEM_NOT_FOUND')
  for (let i = 0; i < 4; i += 1) tell('technical', 'UPSTREAM_ERROR')
  expect(counts.status().alert).toEqual({ window_s: 60, technical: 4, threshold: 5, firing: false })
  pass(59_999)
  tell('technical', 'UPSTREAM_ERROR')
  expect(counts.status().alert).toMatchObject({ technical: 5, firing: true })
  pass(1)
  expect(counts.status().alert).toMatchObject({ technical: 1, firing: false })
  // The second of the first ones comes round again.
  tell('technical', 'UPSTREAM_ERROR')
  expect(counts.status().alert).toMatchObject({ technical: 2 })
  pass(10 * 60_000)
  expect(counts.status()).toMatchObject({ technical: { total: 6 }, alert: { technical: 0 } })
})

test('nothing else counts: other lines, clients that went away, what a client wrote into a line', () => {
  const { counts, tell } = counter()
  tell('technical', 'UPSTREAM_ERROR', { status_code: 499 })
  tell('other', 'UPSTREAM_ERROR')
  tell('technical', 5)
  counts.write('{"event":"http.request","error_kind":"technical","error_code":"X"}\n')
  const path = '/"event":"http_error"'
  counts.write(`${JSON.stringify({ path, note: { event: 'http_error' }, error_kind: 'technical', event: 'other' })}\n`)
  const { business, technical } = counts.status()
  expect([business, technical]).toEqual([
    { total: 0, by_code: {} },
    { total: 0, by_code: {} },
  ])
})

test('however many codes there are, it stays small; hostile names are names', () => {
  const { counts, tell } = counter()
  for (let i = 0; i < 1_000; i += 1) tell('business', `CODE_${i}`)
  const { total, by_code } = counts.status().business
  expect([total, Object.keys(by_code).length, by_code['OTHER']]).toEqual([1_000, 201, 800])
  tell('technical', '__proto__')
  expect(Object.entries(counts.status().technical.by_code)).toEqual([['__proto__', 1]])
})
