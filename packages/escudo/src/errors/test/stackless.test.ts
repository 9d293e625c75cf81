import { expect, test } from 'vitest'
import { technicalFields } from '../contract/log-fields.ts'
import { read } from '../safe-read.ts'
import { hasNoFrames, stackless } from '../stackless.ts'

class Refused extends Error {}
Object.defineProperty(Refused.prototype, 'name', { value: 'Refused' })
const stackOf = (error: unknown): unknown => technicalFields(error)['error_stack']

test.each([
  new Error('a message'),
  new TypeError('a message'),
  new Error(''),
  new Refused("the circuit of 'stock' is open (circuitBreaker)"),
  new Refused('two\nlines'),
  Object.assign(new Error('a message'), { name: '' }),
  Object.assign(new Error('a message'), { name: 'Renamed' }),
])('the log has the stack that an error without frames has: %o', (like) => {
  const make = (): Error => {
    const error = new Error(like.message)
    return Object.setPrototypeOf(Object.hasOwn(like, 'name') ? Object.assign(error, { name: like.name }) : error, like)
  }
  const logged = stackOf(stackless(make))
  const { stack } = stackless(make)
  expect(logged).toBe(stack === '' ? undefined : stack)
})

test('only an error that was made without frames is marked, and the mark cannot be seen', () => {
  const error = stackless(() => new Error('one'))
  expect(hasNoFrames(error)).toBe(true)
  expect(Reflect.ownKeys(error)).toEqual(Reflect.ownKeys(new Error('one')))
  for (const other of [new Error('one'), undefined, null, 'text', {}, new Proxy(error, {}), Object.create(error)]) {
    expect(hasNoFrames(other)).toBe(false)
  }
})

test('an error with frames keeps them in the log', () => {
  expect(stackOf(new Refused('full'))).toContain('stackless.test.ts')
})

test('a message that cannot be read leaves the stack to the runtime', () => {
  const error = stackless(() => new Error('one'))
  Object.defineProperty(error, 'message', {
    get() {
      throw new Error('unreadable')
    },
  })
  expect(stackOf(error)).toBe(read(error, 'stack'))
})
