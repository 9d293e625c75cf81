import { expect, test } from 'vitest'
import { crashFields } from '../crash-fields.ts'

test('describes an error by type, message, stack and causes', () => {
  const cause = new TypeError('below')
  const fields = crashFields(new RangeError('above', { cause }))
  expect(fields).toMatchObject({ error_type: 'RangeError', error_message: 'above' })
  expect(fields['error_stack']).toContain('crash-fields.test.ts')
  expect(fields['error_causes']).toEqual([{ type: 'TypeError', message: 'below', stack: cause.stack }])
})

const throwing = {
  get message(): string {
    throw new Error('no message')
  },
  get stack(): string {
    throw new Error('no stack')
  },
}
const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()
const cyclic = new Error('cyclic')
cyclic.cause = cyclic

test.each<readonly [string, unknown, string, string]>([
  ['a string', 'x', 'string', 'x'],
  ['null', null, 'null', 'null'],
  ['undefined', undefined, 'undefined', 'undefined'],
  ['a symbol', Symbol('s'), 'symbol', 'Symbol(s)'],
  ['an object', { a: 1 }, 'Object', '{ a: 1 }'],
  ['an object without a prototype', Object.create(null), 'object', '[Object: null prototype] {}'],
  ['getters that throw', throwing, 'Object', '{ message: [Getter], stack: [Getter] }'],
  ['a revoked proxy', revoked, 'object', '<Revoked Proxy>'],
  ['an error without a message', new Error(), 'Error', ''],
  ['an error that is its own cause', cyclic, 'Error', 'cyclic'],
])('describes %s', (_name, thrown, type, message) => {
  const fields = crashFields(thrown)
  expect([fields['error_type'], fields['error_message']]).toEqual([type, message])
  expect(JSON.stringify(fields)).not.toBe('')
})

test('bounds the number of causes and the length of messages and stacks', () => {
  let error = new Error('first')
  for (let i = 0; i < 100; i += 1) error = new Error('x'.repeat(100_000), { cause: error })
  const fields = crashFields(error)
  expect(fields['error_causes']).toHaveLength(5)
  expect(JSON.stringify(fields).length).toBeLessThan(70_000)
})
