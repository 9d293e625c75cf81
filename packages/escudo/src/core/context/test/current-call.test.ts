import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { Call } from '../../engine/call.ts'
import { shield } from '../../shield.ts'
import { currentCall } from '../current-call.ts'

test('there is no current call outside a wrapped function', async () => {
  expect(currentCall()).toBeUndefined()
  await shield('plain').run(() => expect(currentCall()).toBeUndefined())
})

test('each of several concurrent runs has its call, even after an await', async () => {
  const inventory = shield('inventory')
  const stockOf = inventory.wrap(
    async (id: string) => {
      const before = currentCall()
      await setImmediate()
      return { id, same: currentCall() === before, key: before?.key }
    },
    { key: (id) => id },
  )
  const answers = await Promise.all(['a', 'b', 'c'].map((id) => stockOf(id)))
  expect(answers).toEqual(['a', 'b', 'c'].map((id) => ({ id, same: true, key: id })))
  expect(currentCall()).toBeUndefined()
})

test('a nested wrapped function has a separate call', async () => {
  const inner = shield('inner').wrap(() => currentCall())
  const outer = shield('outer').wrap(async () => {
    const own = currentCall()
    const nested = await inner()
    return { own, nested, after: currentCall() }
  })
  const { own, nested, after } = await outer()
  expect(own).toBeDefined()
  expect(nested).not.toBe(own)
  expect(after).toBe(own)
})

test('without asynchronous storage it is correct until the first await, also after nested calls', async () => {
  vi.stubGlobal('process', { ...process, getBuiltinModule: undefined })
  vi.resetModules()
  const without = await import('../current-call.ts')
  const [first, second] = [{ attempt: 1 } as Call, { attempt: 2 } as Call]
  const seen = without.withCurrentCall(first, () => [
    without.currentCall(),
    without.withCurrentCall(second, () => without.currentCall()),
    without.currentCall(),
  ])
  expect(() =>
    without.withCurrentCall(first, () => {
      throw new Error('boom')
    }),
  ).toThrow('boom')
  expect(seen).toEqual([first, second, first])
  expect(without.currentCall()).toBeUndefined()
  vi.unstubAllGlobals()
  vi.resetModules()
})
