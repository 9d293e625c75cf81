import { expect, test } from 'vitest'
import {
  type AnyPolicy,
  type Call,
  cache,
  coalesce,
  constant,
  currentCall,
  definePolicy,
  fallback,
  retry,
  type Shield,
  shield,
  timeout,
} from '../../index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'

const shielded = (...policies: AnyPolicy[]): Shield => shield('s', ...(policies as never[])) as unknown as Shield
const fail = async (..._args: unknown[]): Promise<never> => Promise.reject(new Error('down'))

test('a fallback receives the arguments of a wrapped function', async () => {
  const seen: unknown[] = []
  const s = shielded(
    fallback((_error: unknown, call: Call) => {
      seen.push(call.args)
      return 'substitute'
    }),
    retry({ maxRetries: 1, backoff: constant(0) }),
    timeout('1s'),
  )
  const load = s.wrap(fail)
  expect([await load('mana', 3), await load()]).toEqual(['substitute', 'substitute'])
  expect(seen).toEqual([['mana', 3], []])
})

test('the function sees them in the current call, in every attempt, with a key too', async () => {
  const seen: unknown[] = []
  const s = shielded(retry({ maxRetries: 1, backoff: constant(0) }))
  const load = s.wrap(
    async (id: string) => {
      const { args, attempt, key } = currentCall() as Call
      seen.push([args, attempt, key])
      if (attempt === 1) throw new Error('down')
      return id
    },
    { key: (id) => `item ${id}` },
  )
  expect(await load('a')).toBe('a')
  expect(seen).toEqual([
    [['a'], 1, 'item a'],
    [['a'], 2, 'item a'],
  ])
})

test('a classifier, a custom policy that copies the call, and a fallback for a value receive them', async () => {
  const seen: unknown[] = []
  const renaming = definePolicy({
    name: 'renaming',
    wrap: (next) => (call, operation) => next({ ...call, key: 'other' } as Call, operation),
  })
  const s = shielded(
    fallback((_error: unknown, call: Call) => seen.push(call.args), { classify: () => 'failure' }),
    renaming,
    retry({
      maxRetries: 0,
      classify: (_outcome, call) => {
        seen.push(call.args)
        return 'success'
      },
    }),
  )
  await s.wrap((item: string) => item)('mana')
  expect(seen).toEqual([['mana'], ['mana']])
})

test('a flight and a refresh have the arguments of the call that started them', async () => {
  const clock = virtualClock()
  const s = shield({ name: 's', clock }, cache({ ttl: 10, staleWhileRevalidate: '1h' }), coalesce(), timeout('1s'))
  const seen: unknown[] = []
  const load = s.wrap(async (id: string) => void seen.push([id, currentCall()?.args]), { key: (id) => id })
  await load('a')
  await clock.advance(20)
  await load('a')
  await clock.advance(0)
  expect(seen).toEqual([
    ['a', ['a']],
    ['a', ['a']],
  ])
})

test('a call of run() has none', async () => {
  const s = shielded(timeout('1s'))
  expect(await s.run((call) => call.args)).toBe(undefined)
  expect(await s.run((call) => call.args, { key: 'k' })).toBe(undefined)
})
