import { afterEach, expect, test, vi } from 'vitest'
import { type ServerRequestEnd, watchHttp, watchSent, watchServed } from '../http-events.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.restoreAllMocks()
})
const watch = (watcher: Parameters<typeof watchHttp>[0]): (() => void) => {
  const end = watchHttp(watcher)
  ends.push(end)
  return end
}

const END: ServerRequestEnd = {
  durationMs: 1,
  route: '/',
  status: 200,
  errorCode: undefined,
  errorKind: undefined,
  traceId: undefined,
}

test('without watchers nothing is built', () => {
  expect(watchServed({ method: 'GET' })).toBeUndefined()
  expect(watchSent({ method: 'GET', url: new URL('http://a') })).toBeUndefined()
})

test('the end notifies the watchers of the start once, even if they stopped watching meanwhile', () => {
  let active = 0
  const stop = watch({
    served: () => {
      active += 1
      return () => {
        active -= 1
      }
    },
  })
  const first = watchServed({ method: 'GET' })
  stop()
  const late = vi.fn()
  watch({ served: () => late })
  first?.(END)
  first?.(END)
  expect(active).toBe(0)
  expect(late).not.toHaveBeenCalled()
  watchServed({ method: 'GET' })?.(END)
  expect(late).toHaveBeenCalledExactlyOnceWith(END)
})

test('a watcher that throws at the start or end is reported once and does not affect others', () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const notified = vi.fn()
  watch({
    served: () => {
      throw new Error('broken start')
    },
  })
  watch({
    served: () => () => {
      throw new Error('broken end')
    },
  })
  watch({ served: () => notified })
  for (let request = 0; request < 3; request += 1) watchServed({ method: 'GET' })?.(END)
  expect(notified).toHaveBeenCalledTimes(3)
  expect(warning.mock.calls.map(([text]) => String(text))).toEqual([
    expect.stringContaining('broken start'),
    expect.stringContaining('broken end'),
  ])
})

test('a single watcher that throws is reported once, and its end is not called without a start', () => {
  const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const stop = watch({
    served: () => {
      throw new Error('broken start')
    },
  })
  for (let request = 0; request < 2; request += 1) expect(() => watchServed({ method: 'GET' })?.(END)).not.toThrow()
  stop()
  watch({
    served: () => () => {
      throw new Error('broken end')
    },
  })
  for (let request = 0; request < 2; request += 1) expect(() => watchServed({ method: 'GET' })?.(END)).not.toThrow()
  expect(warning.mock.calls.map(([text]) => String(text))).toEqual([
    expect.stringContaining('broken start'),
    expect.stringContaining('broken end'),
  ])
})

test('a single watcher of the other side costs nothing and fails nothing', () => {
  watch({ sent: vi.fn() })
  expect(() => watchServed({ method: 'GET' })?.(END)).not.toThrow()
})
