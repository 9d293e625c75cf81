// BullMQ on Debian's Redis, with killed servers and killed workers.
import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { circuitBreaker, consecutive, constant, retry, type Shield, shield, timeout } from 'escudo'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Fault } from '../../examples/recipes/src/fault.ts'
import { type ConsumerOptions, connectConsumer, consume, makeProducer } from '../../examples/recipes/src/queue.ts'
import { connectIoredis } from '../../examples/recipes/src/redis.ts'
import { INSTALL_MS_MAX } from '../helpers/debian.ts'
import { lossyProxy } from './helpers/lossy-proxy.ts'
import { redisServer } from './helpers/redis-server.ts'

const server = await redisServer()
type Redis = ReturnType<typeof connectIoredis>
const FAST = { attempts: 3, backoff: { type: 'fixed', delay: 10 } }

class DependencyError extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(`the dependency failed: ${fault}`)
    this.fault = fault
  }
}
const faultOf = (error: unknown): Fault => (error instanceof DependencyError ? error.fault : 'never')

describe.skipIf(server === undefined)('a queue of BullMQ', () => {
  const port = server?.port ?? 0
  let toAdd: Redis
  let toConsume: Redis
  const workers: { close(force: boolean): Promise<void> }[] = []
  const children: ChildProcess[] = []

  beforeAll(async () => {
    toAdd = connectIoredis(port)
    toConsume = connectConsumer(port)
    await server?.ready(() => toAdd.ping())
  }, INSTALL_MS_MAX)
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await Promise.all(workers.splice(0).map((worker) => worker.close(true)))
  })
  afterAll(async () => {
    toAdd.disconnect()
    toConsume.disconnect()
    await server?.remove()
  })

  const producerOf = (name: string, options = {}) => makeProducer<number>(name, toAdd, { ...FAST, ...options })
  function start(name: string, options: Partial<ConsumerOptions<number>> & Pick<ConsumerOptions<number>, 'handle'>) {
    const worker = consume<number>(name, {
      ...{ connection: toConsume, shield: shield(name), faultOf, isIdempotent: false, ...options },
    })
    workers.push(worker)
    return worker
  }
  const until = (holds: () => boolean | Promise<boolean>) =>
    server?.ready(async () => (await holds()) || Promise.reject(new Error('not yet')))

  test.each<[Fault, boolean, number]>([
    ['caller', true, 1],
    ['never', true, 1],
    ['unknown', false, 1],
    ['unknown', true, 3],
    ['transient', false, 3],
  ])('a job that fails as %s, idempotent: %s, is tried %i times', async (fault, isIdempotent, attempts) => {
    const name = `fails-${fault}-${isIdempotent}`
    const { add, queue } = producerOf(name)
    let runs = 0
    start(name, {
      isIdempotent,
      handle: async () => {
        runs += 1
        throw new DependencyError(fault)
      },
    })
    await add('job', 1)
    await until(async () => (await queue.getFailedCount()) === 1)
    const job = await queue.getJob('job')
    expect([runs, job?.attemptsMade]).toEqual([attempts, attempts])
    expect(job?.failedReason).toContain(`the dependency failed: ${fault}`)
    await queue.close()
  })

  test('a job is judged by all attempts of its shield, not by the last one', async () => {
    const { add, queue } = producerOf('all-attempts')
    let runs = 0
    start('all-attempts', {
      shield: shield('all-attempts', retry({ maxRetries: 1, backoff: constant(1) })),
      handle: async () => {
        runs += 1
        throw new DependencyError(runs === 1 ? 'unknown' : 'transient')
      },
    })
    await add('job', 1)
    await until(async () => (await queue.getFailedCount()) === 1)
    expect(runs).toBe(2) // both in the first attempt of BullMQ
    await queue.close()
  })

  test('waits while the circuit is open, without using up attempts', async () => {
    const { add, queue } = producerOf('waits', { attempts: 1 })
    let isDown = true
    const breaker = circuitBreaker({ trip: consecutive(1), openFor: '200ms' })
    const dependency: Shield = shield('waits', breaker)
    await dependency.run(() => Promise.reject(new DependencyError('transient'))).catch(() => {})
    start('waits', {
      shield: dependency,
      concurrency: 4,
      handle: async () => {
        if (isDown) throw new DependencyError('transient')
      },
    })
    await Promise.all(Array.from({ length: 8 }, (_, index) => add(`job-${index}`, index)))
    await until(async () => (await queue.getDelayedCount()) === 8)
    isDown = false
    await until(async () => (await queue.getCompletedCount()) === 8)
    const [job] = await queue.getCompleted()
    expect(job?.attemptsStarted).toBeGreaterThan(1)
    expect(job?.attemptsMade).toBe(1)
    expect(await queue.getFailedCount()).toBe(0)
    await queue.close()
  })

  test('a job whose answer was lost when it was added exists once', async () => {
    const proxy = await lossyProxy(port)
    const lossy = connectIoredis(proxy.port)
    const { add, queue } = makeProducer<number>('lossy', lossy)
    await queue.waitUntilReady()
    const runs: unknown[] = []
    start('lossy', { handle: async ({ id }) => void runs.push(id) })
    let connectionsLost = 0
    lossy.on('close', () => {
      connectionsLost += 1
    })
    proxy.loseAnswer('the-lost-job')
    // The client connects again meanwhile. It may need longer than three attempts.
    await server?.ready(() => add('the-lost-job', 1))
    await until(async () => (await queue.getCompletedCount()) === 1)
    await delay(50)
    expect([runs, connectionsLost]).toEqual([['the-lost-job'], 1])
    expect(await queue.getJobCountByTypes('waiting', 'active', 'delayed')).toBe(0)
    await queue.close()
    lossy.disconnect()
    await proxy.close()
  })

  test.each([
    [true, 'is processed once more by another worker'],
    [false, 'is moved to the failed jobs, because it may have been executed'],
  ])('idempotent: %s: a job whose worker was killed %s', { timeout: 30_000 }, async (isIdempotent) => {
    const name = `killed-${isIdempotent}`
    const { add, queue } = producerOf(name)
    await add('killed', 1)
    const program = new URL('programs/queue-worker.ts', import.meta.url).pathname
    const child = spawn(process.execPath, ['--conditions=@escudo/source', program, `${port}`, name, `${isIdempotent}`])
    children.push(child)
    const runs = () => toConsume.lrange(`${name}:runs`, 0, -1)
    await until(async () => (await runs()).length === 1)
    child.kill('SIGKILL')
    await Promise.all([add('other-1', 1), add('other-2', 1)])

    const stalled: string[] = []
    const handle = async ({ id = '' }) => void (await toConsume.rpush(`${name}:runs`, id))
    const worker = start(name, { isIdempotent, lockMs: 500, handle })
    worker.on('stalled', (id) => stalled.push(id))
    await until(async () => (await queue.getJobCountByTypes('completed', 'failed')) === 3)
    expect((await runs()).sort()).toEqual([...(isIdempotent ? ['killed'] : []), 'killed', 'other-1', 'other-2'])
    expect(await queue.getFailedCount()).toBe(isIdempotent ? 0 : 1)
    if (isIdempotent) expect(stalled).toEqual(['killed'])
    await queue.close()
  })

  test('cancels a job whose lock was lost, since another worker takes it', async () => {
    const { add, queue } = producerOf('lock')
    const reasons: unknown[] = []
    start('lock', {
      isIdempotent: true,
      lockMs: 400,
      handle: async ({ id }, signal) => {
        if (reasons.length > 0) return
        await toConsume.del(`bull:lock:${id}:lock`)
        if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        reasons.push(signal.reason)
        throw signal.reason
      },
    })
    await add('job', 1)
    await until(async () => (await queue.getCompletedCount()) === 1)
    expect(reasons).toEqual(['the lock was lost'])
    await queue.close()
  })

  test('loses no job when Redis is killed under load', { timeout: 40_000 }, async () => {
    const { add, queue } = producerOf('crash')
    const runs = new Map<string, number>()
    const stalled = new Set<string>()
    const worker = start('crash', {
      shield: shield('crash', timeout('2s')),
      isIdempotent: true,
      concurrency: 8,
      lockMs: 1_000,
      handle: async ({ id = '' }) => {
        runs.set(id, (runs.get(id) ?? 0) + 1)
        await delay(5)
      },
    })
    worker.on('stalled', (id) => stalled.add(id))

    const added: string[] = []
    let failures = 0
    let isAdding = true
    const adding = Array.from({ length: 4 }, async (_, producer) => {
      for (let index = 0; isAdding; index += 1) {
        const id = `${producer}-${index}`
        await add(id, index).then(
          () => added.push(id),
          () => {
            failures += 1
          },
        )
        await delay(3)
      }
    })
    await until(() => runs.size > 200)
    await server?.kill()
    await until(() => failures > 20)
    const before = added.length
    server?.start()
    await until(() => added.length > before + 200)
    isAdding = false
    await Promise.all(adding)

    await until(async () => (await queue.getJobCountByTypes('waiting', 'active', 'delayed', 'prioritized')) === 0)
    expect(added.filter((id) => !runs.has(id))).toEqual([])
    expect(await queue.getFailedCount()).toBe(0)
    // BullMQ executes a stalled job again. It executes no other job twice.
    expect([...runs].filter(([id, count]) => count > (stalled.has(id) ? 2 : 1))).toEqual([])
    await queue.close()
  })
})
