import { describe, expect, test } from 'vitest'
import { defineErrors } from '../../errors/catalogue/catalogue.ts'
import { createErrorContract } from '../../errors/contract/contract.ts'
import { Exchange, pathOf } from '../exchange.ts'
import { mergeVary } from '../headers.ts'
import { isPrivateAddress } from '../peers.ts'
import { findingOf, pointerOf } from '../validation.ts'

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.31.255.255', true],
  ['192.168.1.1', true],
  ['fd00::1', true],
  ['fe80::1', true],
  [undefined, true],
  ['172.32.0.1', false],
  ['11.0.0.1', false],
  ['8.8.8.8', false],
  ['::ffff:8.8.8.8', false],
  ['2001:db8::1', false],
  ['::10.0.0.1', false],
])('isPrivateAddress(%s) is %s', (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected)
})

test('pathOf removes host, query and fragment', () => {
  expect(pathOf('/a?b=c#d')).toBe('/a')
  expect(pathOf('/a#d?b')).toBe('/a')
  expect(pathOf('')).toBe('')
  expect(pathOf('http://user:secret@shop:80/a?b')).toBe('/a')
})

test('mergeVary lists each name once', () => {
  expect(mergeVary(undefined, 'Accept')).toBe('Accept')
  expect(mergeVary(['Origin', 'accept'], 'Accept, Accept-Language')).toBe('Origin, Accept, Accept-Language')
  expect(mergeVary('*', 'Accept')).toBe('*')
})

describe('findings', () => {
  test('escapes keys in JSON pointers (RFC 6901)', () => {
    expect(pointerOf(['a/b', 'c~d', 0])).toBe('/a~1b/c~0d/0')
    expect(pointerOf([])).toBe('')
  })

  test.each([
    ['Expected string but received 5', 5, 'Invalid value'],
    ['Expected string but received "hunter2"', 'hunter2', 'Invalid value'],
    ['a is not allowed', 'a', 'Invalid value'],
    ['Expected at least 5', 'a', 'Expected at least 5'],
    ['Expected something', '', 'Expected something'],
    ['Expected number, received object', {}, 'Expected number, received object'],
  ])('the message %j for the value %j becomes %j', (message, value, expected) => {
    expect(findingOf('body', { message, path: ['x'] }, { x: value }).message).toBe(expected)
  })

  test('accepts objects as path segments, and reports an unreadable value as required', () => {
    expect(findingOf('body', { message: 'm', path: [{ key: 'x' }] }, {})).toEqual({
      in: 'body',
      pointer: '/x',
      code: 'required',
      message: 'm',
    })
    expect(findingOf('body', { message: 'm', path: ['x', 'y'] }, null).code).toBe('required')
    expect(findingOf('body', { message: 'x'.repeat(1_000) }, 5).message).toHaveLength(200)
  })
})

test.each<readonly [string, unknown, string]>([
  ['a bug', new TypeError('x is undefined'), 'error'],
  ['an aborted fetch', Object.assign(new Error('aborted'), { name: 'AbortError' }), 'debug'],
  ['an aborted signal', AbortSignal.abort().reason, 'debug'],
  ['a reset connection', Object.assign(new Error('aborted'), { code: 'ECONNRESET' }), 'debug'],
])('%s after the client disconnected is logged at the right level', (_, error, level) => {
  const levels: string[] = []
  const at = (name: string) => () => void levels.push(name)
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), fatal: at('fatal') }
  const contract = createErrorContract({ service: 'x', errors: defineErrors({}) })
  const request = { method: 'GET', url: '/', headers: {}, address: undefined }
  new Exchange(contract, logger, request).failAfterDisconnect(error)
  expect(levels).toEqual([level])
})
