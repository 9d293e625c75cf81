import * as escudo from 'escudo'
import { ConfigurationError, shield } from 'escudo'
import * as errors from 'escudo/errors'
import * as fastify from 'escudo/fastify'
import * as pino from 'escudo/pino'
import * as telemetry from 'escudo/telemetry'
import * as testing from 'escudo/testing'
import { describe, expect, test } from 'vitest'
import { catalogue, errorOf, noop, schema } from './public-functions.ts'

describe('shield', () => {
  const retry = escudo.retry()
  const of = (...args: unknown[]) => errorOf(() => (shield as (...all: unknown[]) => unknown)(...args))

  test.each<[string, unknown[], string]>([
    ['no arguments', [], "the name comes first, as in shield('inventory', retry()); got undefined"],
    ['a policy first', [retry], "the name comes first, as in shield('inventory', retry()); got the policy 'retry'"],
    ['a factory first', [escudo.retry], "got the function 'retry'; call it: retry()"],
    ['an array first', [[retry]], 'the name comes first'],
    ['a number first', [5], 'the name comes first'],
    ['an empty name', ['', retry], 'shield.name: expected a name of 1 to 100 characters'],
    [
      'an array of policies',
      ['x', [retry]],
      'shield.policies[0]: expected a policy, got an array; pass the policies one by one, as in shield(name, ...policies)',
    ],
    [
      'a factory that was not called',
      ['x', escudo.timeout('1s'), escudo.retry],
      "shield.policies[1]: expected a policy, got the function 'retry'; call it: retry()",
    ],
    ['an arrow function', ['x', () => retry], 'shield.policies[0]: expected a policy, got a function'],
    ['options of a policy', ['x', { maxRetries: 2 }], 'shield.policies[0]: expected a policy, got an object'],
    ['a promise of a policy', ['x', Promise.resolve(retry)], 'shield.policies[0]: expected a policy, got a promise'],
    ['undefined', ['x', undefined], 'shield.policies[0]: expected a policy, got undefined'],
    ['text', ['x', 'retry'], "shield.policies[0]: expected a policy, got 'retry'"],
    ['a policy without a name', ['x', { wrap: (next: unknown) => next }], 'shield.policies[0].name: expected a name'],
    [
      'a policy without a type',
      ['x', { name: 'p', wrap: (next: unknown) => next }],
      'shield.policies[0].type: expected a name',
    ],
  ])('refuses %s with a message that helps', async (_what, args, message) => {
    const error = await of(...args)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect((error as Error).message).toContain(message)
    expect((error as Error).message.startsWith('shield')).toBe(true)
  })

  test('refuses a policy whose `wrap` returns no function', async () => {
    const broken = escudo.definePolicy({ name: 'broken', wrap: (() => undefined) as never })
    expect(((await of('x', broken)) as Error).message).toBe(
      'broken.wrap: expected a function, but it returned undefined',
    )
  })

  test('gives `wrap` of a custom policy the object that it was defined with', async () => {
    class Doubling {
      get name(): string {
        return 'doubling'
      }

      get factor(): number {
        return 2
      }

      wrap(next: escudo.Run): escudo.Run {
        const { factor } = this
        return (async (call: escudo.Call, operation: escudo.Operation<number>) =>
          ((await next(call, operation)) as number) * factor) as never
      }
    }
    const policy = escudo.definePolicy(new Doubling() as never)
    expect(await shield('x', policy).run(() => 21)).toBe(42)
  })
})

describe('functions without an object of options', () => {
  test.each<[string, () => unknown, string]>([
    [
      'timeout(0)',
      () => escudo.timeout(0),
      "timeout.after: expected a duration of more than 0 ms ('250ms', '2s', '5m', '1h', or a number of milliseconds), got 0 ms",
    ],
    ['timeout(-1)', () => escudo.timeout(-1), 'got -1 ms'],
    ["timeout('2')", () => escudo.timeout('2' as never), "got '2'; write '2ms' or '2s'"],
    [
      'rateLimiter per 0',
      () => escudo.rateLimiter({ limit: 1, per: 0 }),
      'rateLimiter.per: expected a duration of more than 0 ms',
    ],
    ['aimd timeout 0', () => escudo.aimd({ timeout: 0 }), 'aimd.timeout: expected a duration of more than 0 ms'],
    ['hedge window', () => escudo.hedge({ after: { quantile: 0.9, initial: 1, window: 9 } }), 'of at least 1000 ms'],
    ['constant()', () => escudo.constant(undefined as never), 'constant.delay: expected a duration'],
    ['consecutive(0)', () => escudo.consecutive(0), 'consecutive.n: expected a whole number of at least 1, got 0'],
    ['seededRandom', () => escudo.seededRandom('x' as never), "seededRandom.seed: expected a whole number, got 'x'"],
    ['faults seed', () => testing.faults([], { seed: 0.5 }), 'faults.seed: expected a whole number, got 0.5'],
    ['anyTrip()', () => escudo.anyTrip(), 'anyTrip: expected at least one trip'],
    [
      'standardShield retry',
      () => escudo.standardShield('s', { retry: true as never }),
      'standardShield.retry: expected an object of options, got true',
    ],
    [
      'standardShield breaker',
      () => escudo.standardShield('s', { circuitBreaker: false as never }),
      'standardShield.circuitBreaker: expected an object of options, got false',
    ],
    [
      'standardShield bulkhead',
      () => escudo.standardShield('s', { bulkhead: 5 as never }),
      'standardShield.bulkhead: expected an object of options, got 5',
    ],
    [
      'defineErrors',
      () => errors.defineErrors(null as never),
      'defineErrors: expected an object of definitions, got null',
    ],
    [
      'defineErrors array',
      () => errors.defineErrors([] as never),
      'defineErrors: expected an object of definitions, got an array',
    ],
    [
      'a language',
      () => errors.defineErrors({ A_B: { status: 400, message: { 'the french': 'Non.' } } }),
      "defineErrors.A_B.message.the french: expected a language, such as en or pt-BR, got 'the french'",
    ],
    [
      'definitions in place of a catalogue',
      () => errors.createErrorContract({ service: 's', errors: { X: { status: 404, message: 'x' } } as never }),
      'createErrorContract.errors.X: expected an entry made by defineErrors',
    ],
    [
      'contract map',
      () => errors.createErrorContract({ service: 's', errors: catalogue, map: noop as never }),
      'createErrorContract.map: expected an array of functions, got a function',
    ],
    [
      'trustInbound',
      () => errors.createErrorContract({ service: 's', errors: catalogue, trustInbound: 'true' as never }),
      'createErrorContract.trustInbound: expected true, false or a function',
    ],
    [
      'subscribe events',
      () => telemetry.subscribe(noop, 'retry' as never),
      "subscribe: expected an array of event names, got 'retry'",
    ],
    [
      'subscribe null',
      () => telemetry.subscribe(noop, null as never),
      'subscribe: expected an array of event names, got null',
    ],
    ['subscribe name', () => telemetry.subscribe(noop, ['retri' as never]), "unknown event 'retri'"],
    [
      'logPolicyEvents',
      () => pino.logPolicyEvents(undefined as never),
      'logPolicyEvents.logger: expected a logger with debug(), got undefined',
    ],
    [
      'logPolicyEvents console',
      () => pino.logPolicyEvents(console as never),
      'logPolicyEvents.logger: expected a logger with fatal()',
    ],
    ['lineFormat', () => pino.lineFormat('', []), 'lineFormat.service: expected text that is not empty'],
    ['LineFile', () => new pino.LineFile(undefined as never), 'LineFile.path: expected text that is not empty'],
    [
      'createLogger level',
      () => pino.createLogger({ service: 's', level: 'warn' as never }),
      'createLogger.level: expected one of',
    ],
    ['createLogger file', () => pino.createLogger({ service: 's', file: '' }), 'createLogger.file: expected text'],
    [
      'createLogger redact',
      () => pino.createLogger({ service: 's', redact: 'a' as never }),
      'createLogger.redact: expected an array',
    ],
    ['on', () => shield('s').on('retry', undefined as never), 'on.listener: expected a function, got undefined'],
    ['breaker', () => escudo.circuitBreaker().on('stateChange', 5 as never), 'on.listener: expected a function, got 5'],
    ['faults on', () => testing.faults([]).on({} as never), 'faults.on: expected a function, got an object'],
    ['faults wrap', () => testing.faults([]).wrap(5 as never), 'faults.wrap: expected a function, got 5'],
    [
      'faultSwitch spare',
      () => testing.faultSwitch({ spare: '/x' as never }),
      'faultSwitch.spare: expected an array of paths',
    ],
    [
      'contractOptions',
      () => fastify.contractOptions(undefined as never),
      'contractOptions.contract: expected what createErrorContract returned, got undefined',
    ],
    ['route handler', () => fastify.route({}, undefined as never), 'route.handler: expected a function'],
    [
      'route querystring',
      () => fastify.route({ querystring: schema } as never, noop),
      "route.querystring: no such option; known here: params, query, headers, body, errors, response, summary, tags, security; did you mean 'query'?",
    ],
    ['advance', () => testing.virtualClock().advance(Number.NaN), 'advance: expected a duration'],
    ['advance of an object', () => testing.virtualClock().advance({ ms: 5 } as never), 'advance: expected a duration'],
  ])('%s is refused with a clear message', async (_what, make, message) => {
    const error = await errorOf(make)
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).toContain(message)
  })
})
