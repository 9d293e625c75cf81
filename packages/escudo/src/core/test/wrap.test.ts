import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { bulkhead, circuitBreaker, coalesce, constant, fallback, hedge, retry, timeout } from '../../index.ts'
import { faults } from '../../testing/faults/faults.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { currentCall } from '../context/current-call.ts'
import { shield } from '../shield.ts'
import type { Shield } from '../shield-types.ts'

const inventory = shield('inventory', timeout('5s'))

class Repository {
  readonly table: string
  constructor(table: string) {
    this.table = table
  }

  async find(id: string): Promise<string> {
    return `${this.table}/${id}`
  }
}

describe('this', () => {
  test('of a call reaches a method that is wrapped on its prototype', async () => {
    class Users extends Repository {}
    Users.prototype.find = inventory.wrap(Repository.prototype.find)
    const users = new Users('users')
    expect(await users.find('bob')).toBe('users/bob')
    await expect(users.find.call(new Repository('orders'), '7')).resolves.toBe('orders/7')
  })

  test('reaches a property of an object, and stays undefined without one', async () => {
    const repository = Object.assign(new Repository('users'), { lookUp: inventory.wrap(Repository.prototype.find) })
    expect(await repository.lookUp('bob')).toBe('users/bob')
    const free = inventory.wrap(function (this: unknown) {
      return this
    })
    expect(await free()).toBeUndefined()
  })

  test('reaches the function `key`', async () => {
    const seen: (string | undefined)[] = []
    const users = {
      tenant: 'acme',
      find: inventory.wrap(
        function (this: { tenant: string }, id: string) {
          seen.push(currentCall()?.key)
          return `${this.tenant}:${id}`
        },
        {
          key(id) {
            return `${this.tenant}/${id}`
          },
        },
      ),
    }
    expect(await users.find('bob')).toBe('acme:bob')
    expect(seen).toEqual(['acme/bob'])
  })

  test('reaches every attempt of a retry', async () => {
    const tables: string[] = []
    const flaky = shield('flaky', retry({ maxRetries: 2, backoff: constant(0) })).wrap(async function (
      this: Repository,
    ) {
      tables.push(this.table)
      throw new Error('down')
    })
    await expect(flaky.call(new Repository('users'))).rejects.toThrow('down')
    expect(tables).toEqual(['users', 'users', 'users'])
  })

  test('reaches an operation under faults, with its name and its number of parameters', async () => {
    const chaos = faults([{ match: { nth: 2 }, fault: { status: 503 } }])
    const find = chaos.wrap(Repository.prototype.find)
    expect([find.name, find.length]).toEqual(['find', 1])
    const users = new Repository('users')
    expect(await find.call(users, 'bob')).toBe('users/bob')
    await expect(find.call(users, 'bob')).rejects.toMatchObject({ status: 503 })
  })
})

describe('a wrapped function', () => {
  test('keeps the name and the number of parameters', () => {
    const wrapped = inventory.wrap(function stockOf(_id: string, _place: string) {})
    expect([wrapped.name, wrapped.length]).toEqual(['stockOf', 2])
    expect(Object.keys(wrapped)).toEqual([])
  })

  test.each<[string, unknown, unknown, string]>([
    ['no function', 'find', undefined, 'wrap() expects a function'],
    [
      'an unknown option',
      async () => 1,
      { kye: () => 'k' },
      "wrap.kye: no such option; known here: key; did you mean 'key'?",
    ],
    ['options that are no object', async () => 1, 'key', 'wrap: expected an object of options'],
    ['null for options', async () => 1, null, 'wrap: expected an object of options'],
    ['a key that is no function', async () => 1, { key: 'k' }, 'wrap.key: expected a function'],
    ['null for the key', async () => 1, { key: null }, 'wrap.key: expected a value or undefined, got null'],
  ])('is refused at once with %s', (_what, fn, options, message) => {
    expect(() => inventory.wrap(fn as never, options as never)).toThrow(message)
    expect(() => inventory.wrap(fn as never, options as never)).toThrow(TypeError)
  })

  test('rejects, and does not throw, if the function `key` throws or returns no text', async () => {
    const keyOf = (key: () => unknown): (() => Promise<unknown>) => inventory.wrap(() => 1, { key: key as never })
    const boom = new Error('boom')
    await expect(
      keyOf(() => {
        throw boom
      })(),
    ).rejects.toBe(boom)
    await expect(keyOf(() => 5)()).rejects.toMatchObject({ path: 'run.key' })
  })
})

/** A query that runs when it is awaited, as those of several query builders. */
class LazyQuery<T> implements PromiseLike<T> {
  readonly #run: () => T
  constructor(run: () => T) {
    this.#run = run
  }

  then<A = T, B = never>(
    resolve?: ((value: T) => A | PromiseLike<A>) | null,
    reject?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    return setImmediate().then(this.#run).then(resolve, reject)
  }
}

/** A promise that starts its work at the first `then`. */
class LazyPromise<T> extends Promise<T> {
  readonly #start: () => Promise<T>
  constructor(start: () => Promise<T>) {
    super(() => {})
    this.#start = start
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  override then(resolve?: never, reject?: never): Promise<never> {
    return this.#start().then(resolve, reject)
  }
}

const shields: [string, () => Shield][] = [
  ['no policy', () => shield('s') as Shield],
  ['five policies', () => shield('s', timeout('5s'), retry(), circuitBreaker(), bulkhead({ limit: 1 })) as Shield],
  ['a hedge', () => shield('s', hedge({ after: '5s' })) as Shield],
  ['a coalesce', () => shield('s', coalesce()) as never],
  ['a fallback', () => shield('s', fallback('none')) as Shield],
]

describe.each(shields)('the `then` of a lazy result, with %s', (_what, build) => {
  const wrap = (fn: () => unknown): (() => Promise<unknown>) => build().wrap(fn, { key: () => 'k' })

  test('runs inside the call: `currentCall()` and the deadline are there', async () => {
    let seen: unknown
    const query = wrap(
      () =>
        new LazyQuery(() => {
          seen = currentCall()?.key
          return 'rows'
        }),
    )
    expect(await query()).toBe('rows')
    expect(seen).toBe('k')
    const lazy = wrap(() => new LazyPromise(async () => currentCall()?.key))
    expect(await lazy()).toBe('k')
  })

  test('starts the work once for each run', async () => {
    const run = vi.fn(() => 'rows')
    await wrap(() => new LazyQuery(run))()
    expect(run).toHaveBeenCalledTimes(1)
  })
})

test('the `then` of a lazy result that throws is the error of the call', async () => {
  const boom = new Error('boom')
  const s = shield('s', bulkhead({ limit: 1 }))
  const wrapped = s.wrap(() => ({
    then() {
      throw boom
    },
  }))
  await expect(wrapped()).rejects.toBe(boom)
  expect(s.status().policies[0]).toMatchObject({ inUse: 0 })
})

test('the lazy result of a health check has its call too', async () => {
  const clock = virtualClock()
  let deadline: number | undefined
  const operation = (): LazyQuery<void> =>
    new LazyQuery(() => {
      deadline = currentCall()?.deadline
    })
  const breaker = circuitBreaker({
    probe: { operation, every: '1s' },
    openFor: '1h',
    restore: {
      state: 'open',
      remainingMs: 3_600_000,
      openedAgoMs: 0,
      openings: 1,
      failures: 1,
      calls: 1,
    },
  })
  shield({ name: 's', clock }, breaker)
  await clock.advance('1s')
  await setImmediate()
  await setImmediate()
  expect(deadline).toBe(2_000)
  await clock.advance(0)
  expect(breaker.state).toBe('closed')
})
