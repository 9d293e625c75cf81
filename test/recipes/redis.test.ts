// Redis of Debian, killed and started again under load of ioredis and node-redis.
import { constant, isRefusal, retry, shield } from 'escudo'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { retryIdempotent } from '../../examples/recipes/src/fault.ts'
import { connectIoredis, connectNodeRedis, redisShields } from '../../examples/recipes/src/redis.ts'
import { redisFault } from '../../examples/recipes/src/redis-fault.ts'
import { INSTALL_MS_MAX } from '../helpers/debian.ts'
import { lossyProxy } from './helpers/lossy-proxy.ts'
import { Load } from './helpers/outage-record.ts'
import { redisServer } from './helpers/redis-server.ts'

/** What both clients can do. */
interface Client {
  send(...args: string[]): Promise<unknown>
  close(): void
}
type Connect = (port: number) => Promise<Client>

const ioredis: Connect = async (port) => {
  const client = connectIoredis(port)
  await new Promise((resolve) => client.once('ready', resolve))
  return { send: (command = '', ...args) => client.call(command, ...args), close: () => client.disconnect() }
}
const nodeRedis: Connect = async (port) => {
  const client = connectNodeRedis(port)
  await client.connect()
  return { send: (...args) => client.sendCommand(args), close: () => client.destroy() }
}

const server = await redisServer()

describe.skipIf(server === undefined).each([
  ['ioredis', ioredis],
  ['node-redis', nodeRedis],
])('Redis with %s', (_, connect) => {
  let client: Client
  const port = server?.port ?? 0
  beforeAll(async () => {
    client = await connect(port)
    await server?.ready(() => client.send('PING'))
    await client.send('FLUSHALL')
    await client.send('SET', 'text', 'x')
  }, INSTALL_MS_MAX)
  afterAll(() => client.close())

  const failureOf = async (...args: string[]): Promise<Error> => {
    const failure = await client.send(...args).catch((reason) => reason)
    if (!(failure instanceof Error)) throw new Error(`${args[0]} succeeded`)
    return failure
  }

  test.each([
    ['WRONGTYPE', ['INCRBY', 'list', '1'], 'caller', ['LPUSH', 'list', 'a'], []],
    ['ERR', ['INCR', 'text'], 'caller', [], []],
    ['ERR', ['NO-SUCH-COMMAND'], 'caller', [], []],
    ['NOSCRIPT', ['EVALSHA', '0'.repeat(40), '0'], 'caller', [], []],
    ['NOGROUP', ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'none', '>'], 'caller', [], []],
    ['BUSYKEY', ['RESTORE', 'text', '0', 'x'], 'caller', [], []],
    ['NOPERM', ['GET', 'text'], 'never', ['ACL', 'SETUSER', 'default', '-get'], ['ACL', 'SETUSER', 'default', '+@all']],
    ['WRONGPASS', ['AUTH', 'reader', 'x'], 'never', [], []],
    ['OOM', ['SET', 'a', 'b'], 'never', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    [
      'NOREPLICAS',
      ['SET', 'a', 'b'],
      'transient',
      ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
      ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
    ],
    ['READONLY', ['SET', 'a', 'b'], 'transient', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
  ])('judges %s as the recipe says', async (word, command, fault, before, after) => {
    if (before.length > 0) await client.send(...before)
    const failure = await failureOf(...command)
    // READONLY makes ioredis connect again.
    if (after.length > 0) await server?.ready(() => client.send(...after))
    expect([failure.message.split(' ')[0], redisFault(failure)]).toEqual([word, fault])
  })

  test('judges MASTERDOWN and BUSY as transient', async () => {
    await client.send('CONFIG', 'SET', 'replica-serve-stale-data', 'no')
    await client.send('REPLICAOF', '127.0.0.1', '1')
    const down = await failureOf('GET', 'text')
    await client.send('REPLICAOF', 'NO', 'ONE')
    expect([down.message.split(' ')[0], redisFault(down)]).toEqual(['MASTERDOWN', 'transient'])

    await client.send('CONFIG', 'SET', 'busy-reply-threshold', '1')
    const other = await connect(port)
    const script = other.send('EVAL', 'while true do end', '0').catch(() => {})
    let busy: unknown
    await server?.ready(async () => {
      busy = await client.send('GET', 'text').catch((reason) => reason)
      if (!(busy instanceof Error)) throw new Error('the script does not run yet')
    })
    await client.send('SCRIPT', 'KILL')
    await script
    other.close()
    expect([(busy as Error).message.split(' ')[0], redisFault(busy)]).toEqual(['BUSY', 'transient'])
  })

  test('does not retry an INCR whose answer was lost, and retries a SET', async () => {
    const proxy = await lossyProxy(port)
    const lossy = await connect(proxy.port)
    const { idempotent, once } = redisShields()
    await client.send('SET', 'plain', '100')
    let attempts = 0
    proxy.loseAnswer(':101\r\n')
    const failure = await once
      .run(() => {
        attempts += 1
        return lossy.send('INCR', 'plain')
      })
      .catch((reason) => reason)
    expect(redisFault(failure)).toBe('unknown')
    expect([attempts, await client.send('GET', 'plain')]).toEqual([1, '101'])

    await server?.ready(() => lossy.send('PING'))
    attempts = 0
    proxy.loseAnswer('+OK\r\n')
    const set = () =>
      idempotent.run(() => {
        attempts += 1
        return lossy.send('SET', 'idempotent', 'x')
      })
    // The client connects again while the shield retries. It may need longer than three attempts.
    await server?.ready(set)
    expect(attempts).toBeGreaterThan(1)

    // The counter-example: the wrong classifier counts twice.
    await server?.ready(() => lossy.send('PING'))
    const wrong = shield(
      'wrong',
      retry({ maxRetries: 100, backoff: constant(20), classify: retryIdempotent(redisFault) }),
    )
    proxy.loseAnswer(':102\r\n')
    expect(await wrong.run(() => lossy.send('INCR', 'plain'))).toBe(103)
    lossy.close()
    await proxy.close()
  })

  test('opens and closes the circuit over a crash, and executes no INCR twice', { timeout: 30_000 }, async () => {
    const { idempotent, once } = redisShields()
    const states: string[] = []
    once.on('stateChange', ({ to }) => states.push(to))
    idempotent.on('stateChange', ({ to }) => states.push(to))
    const counts = new Load(redisFault)
    const sets = new Load(redisFault)
    counts.add(6, once, (id) => client.send('INCR', `count:${id}`))
    sets.add(6, idempotent, (id) => client.send('SET', `set:${id}`, 'x'))
    const until = (holds: () => boolean) => server?.ready(async () => holds() || Promise.reject(new Error('not yet')))

    await until(() => counts.calls.length > 200)
    await server?.kill()
    // Open, and open again after a probe that could not be sent.
    await until(() => states.includes('half-open') && states.lastIndexOf('open') > states.indexOf('half-open'))
    const refused = await once.run(() => client.send('PING')).catch((reason) => reason)
    expect(isRefusal(refused)).toBe(true)
    server?.start()
    await until(() => states.at(-1) === 'closed')
    const recovered = counts.calls.length
    await until(() => counts.calls.length > recovered + 200)
    await Promise.all([counts.stop(), sets.stop()])

    expect([...counts.unclassified, ...sets.unclassified]).toEqual([])
    expect([...counts.calls, ...sets.calls].flatMap(({ faults }) => faults)).toContain('transient')
    for (const { id, faults, attempts, succeeded } of counts.calls) {
      // After an attempt that may have been executed, there is none.
      const first = faults.indexOf('unknown')
      if (first >= 0) expect(attempts).toBe(first + 1)
      const value = Number(await client.send('GET', `count:${id}`))
      expect(value).toBeLessThanOrEqual(1)
      if (succeeded) expect(value).toBe(1)
    }
  })
})

afterAll(() => server?.remove())
