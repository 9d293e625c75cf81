import { expect, test } from 'vitest'
import { type Answer, answerOf } from '../../wire/answer.ts'
import { check, ok, refused, shownAnswer, shownExpectation } from '../expectation.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const HEADERS = { 'x-trace-id': TRACE, 'content-type': 'application/json; charset=utf-8' }

const BODY = {
  trace_id: TRACE,
  error_code: 'ITEM_NOT_FOUND',
  message: "Item con ID 'x' no encontrado.",
  status_code: 404,
  service_name: 'potion-shop',
  context: { recurso: 'Item', id: 'x' },
}

const answer = (body: unknown, headers: Answer['headers'] = HEADERS, status = 404): Answer =>
  answerOf(status, headers, JSON.stringify(body), 12)

const EXPECTED = refused(404, 'ITEM_NOT_FOUND', BODY.message, BODY.context)

test('accepts an error in the form of the contract', () => {
  expect(check(EXPECTED, answer(BODY), 'shop')).toEqual([])
})

test.each<[string, Answer]>([
  ['another code', answer({ ...BODY, error_code: 'NOT_FOUND' })],
  ['another message', answer({ ...BODY, message: 'no' })],
  ['another context', answer({ ...BODY, context: {} })],
  ['another service', answer({ ...BODY, service_name: 'flaky-service' })],
  ['a status that is not that of the answer', answer({ ...BODY, status_code: 500 })],
  ['a trace id that is not that of the header', answer({ ...BODY, trace_id: 'f'.repeat(32) })],
  ['an extra key', answer({ ...BODY, stack: 'at …' })],
  ['a missing key', answer({ ...BODY, context: undefined })],
  ['keys in another order', answer(Object.fromEntries(Object.entries(BODY).reverse()))],
  ['no trace header', answer(BODY, { 'content-type': HEADERS['content-type'] })],
  ['a malformed trace id', answer({ ...BODY, trace_id: 'abc' }, { ...HEADERS, 'x-trace-id': 'abc' })],
  ['a trace id of zeros', answer({ ...BODY, trace_id: '0'.repeat(32) }, { ...HEADERS, 'x-trace-id': '0'.repeat(32) })],
  ['another content type', answer(BODY, { ...HEADERS, 'content-type': 'application/json' })],
  ['another status', answer(BODY, HEADERS, 500)],
  ['a body that is not JSON', answerOf(404, HEADERS, '<html>', 1)],
  ['no answer', answerOf(0, {}, '', 1, 'ECONNREFUSED')],
  ['an incomplete body', answerOf(404, HEADERS, JSON.stringify(BODY), 1, 'INCOMPLETE')],
])('reports %s', (_name, got) => {
  expect(check(EXPECTED, got, 'shop').length).toBeGreaterThan(0)
})

test('reports only status and code of an answer with another status', () => {
  const other = answer({ ...BODY, error_code: 'ROUTE_NOT_FOUND' })
  expect(check(refused(409, 'STOCK_INSUFICIENTE'), other, 'shop')).toEqual([
    'status: expected 409, got 404 ROUTE_NOT_FOUND',
  ])
})

test('checks both bounds of the time', () => {
  const slow = answerOf(200, {}, '{}', 700)
  expect(check(ok({}, { withinMs: 500 }), slow, 'shop')).toEqual(['expected within 500 ms, took 700 ms'])
  expect(check(ok({}, { atLeastMs: 900 }), slow, 'shop')).toEqual(['expected to take at least 900 ms, took 700 ms'])
  expect(check(ok({}, { atLeastMs: 700, withinMs: 700 }), slow, 'shop')).toEqual([])
})

test('accepts an expected failure and reports its absence', () => {
  const reset = answerOf(0, {}, '', 3, 'ECONNRESET')
  expect(check({ failure: 'ECONNRESET' }, reset, 'shop')).toEqual([])
  expect(check({ failure: 'ECONNRESET' }, answer(BODY), 'shop')).toHaveLength(2)
})

test('formats expectation and answer on one short line', () => {
  expect(shownExpectation(EXPECTED)).toBe('404 ITEM_NOT_FOUND')
  expect(shownExpectation(ok({ a: 1 }, { withinMs: 5 }))).toBe('200 {"a":1} within 5 ms')
  expect(shownAnswer(answer(BODY))).toBe('404 ITEM_NOT_FOUND (12 ms)')
  expect(shownAnswer(answerOf(0, {}, '', 4.4, 'ECONNREFUSED'))).toBe('ECONNREFUSED (4 ms)')
  expect(shownAnswer(answerOf(200, {}, 'a\u001b[2J', 1))).toBe('200 a\\u001b[2J (1 ms)')
})
