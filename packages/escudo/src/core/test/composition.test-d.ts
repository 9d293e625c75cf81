import type { ResilientFetchOptions } from '../../http/index.ts'
import {
  type AnyPolicy,
  bulkhead,
  type Cache,
  type Call,
  type CircuitBreaker,
  cache,
  circuitBreaker,
  coalesce,
  type Duration,
  definePolicy,
  fallback,
  type Policy,
  retry,
  type Shield,
  type ShieldOptions,
  shield,
  standardShield,
  timeout,
} from '../../index.ts'

// The contracts of the types. This file is compiled and never run: `@ts-expect-error` fails to compile without an
// error.

/** Whether two types are identical, which is stricter than assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_proof: Same<A, B>): void => {}

interface Stock {
  readonly stock: number
}
declare const stock: Stock
declare const response: Response

export async function aFallbackAddsItsValue(): Promise<void> {
  const plain = await shield('s').run(() => stock)
  same<typeof plain, Stock>(true)

  const nullable = await shield('s', fallback(null)).run(() => stock)
  same<typeof nullable, Stock | null>(true)

  const made = await shield(
    's',
    fallback(async () => 5),
  ).run(async () => stock)
  made satisfies Stock | number
  // @ts-expect-error the result may be a number
  made satisfies Stock

  const chained = await shield('s', fallback(null), fallback({ stock: -1 })).run(() => stock)
  chained satisfies Stock | null | { readonly stock: -1 }
  // @ts-expect-error the result may be null
  chained satisfies object

  const through = await shield(
    's',
    fallback(null),
    timeout('1s'),
    retry(),
    circuitBreaker(),
    bulkhead({ limit: 1 }),
  ).run(() => stock)
  same<typeof through, Stock | null>(true)

  // @ts-expect-error the value may be null
  const wrong: Stock = nullable
  void wrong
}

const readsResponses: Policy<Response> = definePolicy<Response>({
  name: 'reads',
  wrap: (next) => async (call, operation) => {
    const result = await next(call, operation)
    return result
  },
})
const retryOnResponse = retry<Response>({
  classify: (outcome) => (outcome.ok && outcome.value.ok ? 'success' : 'failure'),
})
const breakerOnResponse: CircuitBreaker<Response> = circuitBreaker<Response>({ classify: () => 'success' })

export async function aPolicyRejectsResultsThatItCannotRead(): Promise<void> {
  for (const reader of [readsResponses, retryOnResponse, breakerOnResponse]) {
    const s = shield('s', reader)
    await s.run(() => response)
    await s.run(async () => response)
    // @ts-expect-error a string is no Response
    await s.run(() => 'text')
    // @ts-expect-error a promise of a string is no promise of a Response
    await s.run(async () => 'text')
    // @ts-expect-error a wrapped function returns no string either
    s.wrap(() => 'text')
  }
  // Two policies read the intersection of what each of them reads.
  const both = shield('s', retry<{ a: number }>(), circuitBreaker<{ b: string }>())
  await both.run(() => ({ a: 1, b: 'x' }))
  // @ts-expect-error `b` is missing
  await both.run(() => ({ a: 1 }))
}

export async function anOuterPolicyMustReadWhatInnerPoliciesReturn(): Promise<void> {
  // @ts-expect-error the retry would receive null
  shield('s', retryOnResponse, fallback(null))
  // @ts-expect-error also through a policy that reads nothing
  shield('s', retryOnResponse, timeout('1s'), fallback(null))
  shield('s', retryOnResponse, fallback(response))
  const s = shield('s', fallback(null), timeout('1s'), retryOnResponse)
  const result = await s.run(() => response)
  same<typeof result, Response | null>(true)
}

export function callsAreReadonly(call: Call): void {
  same<Call['deadline'], number | undefined>(true)
  // @ts-expect-error a call is immutable
  call.attempt = 2
  // @ts-expect-error its signal too
  call.signal = AbortSignal.abort()
}

class Repository {
  readonly table = 'users'
  async find(id: string): Promise<string> {
    return `${this.table}/${id}`
  }
}

export async function wrapKeepsThis(): Promise<void> {
  const s = shield('s', timeout('1s'))
  Repository.prototype.find = s.wrap(Repository.prototype.find)
  const find = s.wrap(
    async function (this: Repository, id: string) {
      return await this.find(id)
    },
    {
      key(id) {
        return `${this.table}/${id}`
      },
    },
  )
  const found: string = await find.call(new Repository(), 'bob')
  // @ts-expect-error it needs a repository as `this`
  await find('bob')
  // Explicit type arguments need not name the type of `this`.
  const stockOf = s.wrap<[string], number>(async (id) => id.length)
  const stock: number = await stockOf(found)
  void stock
}

export async function wrapKeepsTheArguments(): Promise<void> {
  const wrapped = shield('s', fallback(null)).wrap((id: string, count: number) => ({ id, count }), {
    key: (id, count) => `${id}${count}`,
  })
  const result = await wrapped('a', 1)
  same<typeof result, { id: string; count: number } | null>(true)
  // @ts-expect-error the id is text
  await wrapped(5, 1)
}

export function durationsAreNumbersOrTextWithAUnit(): void {
  const right: Duration[] = [5, '250ms', '2s', '1.5s', '5m', '1h']
  // @ts-expect-error days are no unit
  const days: Duration = '1d'
  // @ts-expect-error a word is no duration
  timeout('soon')
  void [right, days]
}

export function optionsAreChecked(): void {
  // @ts-expect-error there is no such option
  retry({ retries: 3 })
  // @ts-expect-error a limit is required
  bulkhead({})
  // @ts-expect-error there is no such jitter
  circuitBreaker({ halfOpen: { probe: 1 } })
  // @ts-expect-error undefined is no name
  shield(undefined)
  const options: ShieldOptions = { name: 's', random: () => 0.5 }
  const standard: Shield = standardShield(options, { attemptTimeout: '1s' })
  const any: readonly AnyPolicy[] = [retry(), fallback(null), retryOnResponse]
  void [standard, any]
}

export function eventsAreTyped(): void {
  const s = shield('s', circuitBreaker())
  s.on('stateChange', ({ from, to, at }) => void [from === 'half-open', to === 'closed', at + 1])
  s.on('retry', ({ attempt, delayMs }) => attempt + delayMs)
  // @ts-expect-error a retry has no `to`
  s.on('retry', ({ to }) => to)
  // @ts-expect-error there is no such event
  s.on('statechange', () => {})
  const end: () => void = circuitBreaker().on('stateChange', async () => {})
  end()
}

const needsKey = definePolicy<unknown, never, string>({ name: 'needs a key', wrap: (next) => next })
const fetchOptions = (guard: ResilientFetchOptions['shield']): void => void guard

export async function aPolicyMayRequireAKey(): Promise<void> {
  const s = shield('s', needsKey)
  same<typeof s, Shield<unknown, never, string>>(true)
  const result = await s.run(() => stock, { key: 'x' })
  same<typeof result, Stock>(true)
  await s.run(() => stock, { key: 'x', deadline: '1s', signal: AbortSignal.abort() })
  // @ts-expect-error the key is missing
  await s.run(() => stock)
  // @ts-expect-error the options have no key
  await s.run(() => stock, { deadline: '1s' })
  // @ts-expect-error undefined is no key
  await s.run(() => stock, { key: undefined })
  // @ts-expect-error a number is no key
  await s.run(() => stock, { key: 5 })

  const wrapped = s.wrap((id: string, count: number) => ({ id, count }), { key: (id, count) => `${id}${count}` })
  same<typeof wrapped, (id: string, count: number) => Promise<{ id: string; count: number }>>(true)
  // @ts-expect-error the key is missing
  s.wrap((id: string) => id)
  // @ts-expect-error the options have no key
  s.wrap((id: string) => id, {})
  // @ts-expect-error a key is text
  s.wrap((id: number) => id, { key: (id) => id })
}

export async function onePolicyThatNeedsAKeyMakesItRequired(): Promise<void> {
  for (const s of [
    shield('s', fallback(null), needsKey, timeout('1s')),
    shield('s', fallback(null), timeout('1s'), needsKey),
    shield('s', needsKey, fallback(null), needsKey),
  ]) {
    const result = await s.run(() => stock, { key: 'x' })
    same<typeof result, Stock | null>(true)
    // @ts-expect-error the key is missing
    await s.run(() => stock)
  }
  // Results are checked in a shield that needs a key, too.
  const reader = shield('s', needsKey, retryOnResponse)
  await reader.run(() => response, { key: 'x' })
  // @ts-expect-error a string is no Response
  await reader.run(() => 'text', { key: 'x' })
  // @ts-expect-error the retry would receive null
  shield('s', retryOnResponse, needsKey, fallback(null))
}

export async function withoutSuchAPolicyTheKeyIsOptional(): Promise<void> {
  const s = shield('s', fallback(null), retry())
  same<typeof s, Shield<unknown, null>>(true)
  await s.run(() => stock)
  await s.run(() => stock, undefined)
  await s.run(() => stock, {})
  await s.run(() => stock, { key: 'x' })
  await s.run(() => stock, { key: undefined })
  s.wrap(() => stock)
  s.wrap(() => stock, {})
  s.wrap(() => stock, undefined)
}

export function aShieldThatNeedsAKeyIsNoPlainShield(): void {
  const keyed = shield('s', needsKey)
  const plain = shield('s', retry())
  // @ts-expect-error its user would call `run` without a key
  const asPlain: Shield = keyed
  // @ts-expect-error the same for `run` alone
  const asPart: Pick<Shield, 'run'> = keyed
  // @ts-expect-error the same for `wrap` alone
  const asWrapper: Pick<Shield, 'wrap'> = keyed
  // @ts-expect-error the same in a list
  const inList: readonly Shield[] = [plain, keyed]
  // @ts-expect-error resilientFetch passes no key
  fetchOptions(keyed)
  // @ts-expect-error a policy that needs a key is no plain policy
  const asPolicy: Policy = needsKey
  fetchOptions(plain)
  // Code that always passes a key accepts a shield that needs none.
  const asKeyed: Shield<unknown, never, string> = plain
  const watched: Pick<Shield, 'name' | 'status' | 'on'> = keyed
  const any: readonly AnyPolicy[] = [needsKey, retry()]
  void [asPlain, asPart, asWrapper, inList, asPolicy, asKeyed, watched, any]
}

export async function aFunctionMayTakeAnyShield<R, X>(plain: Shield<R, X>, keyed: Shield<R, X, string>, value: R) {
  await plain.run(() => value)
  await keyed.run(() => value, { key: 'x' })
  // @ts-expect-error the key is missing
  await keyed.run(() => value)
}

export async function cacheAndCoalesceNeedAKey(): Promise<void> {
  const operation = async (): Promise<Stock> => stock
  for (const s of [shield('s', cache({ ttl: '1s' })), shield('s', coalesce())]) {
    same<typeof s, Shield<unknown, never, string>>(true)
    const result = await s.run(operation, { key: 'x' })
    same<typeof result, Stock>(true)
    // @ts-expect-error the key is missing
    await s.run(operation)
    // @ts-expect-error the key is missing here too
    s.wrap(operation)
    s.wrap(operation, { key: () => 'x' })
  }
  const s = shield('s', fallback(null), cache({ ttl: '1s' }), coalesce(), timeout('1s'), retry())
  const result = await s.run(operation, { key: 'x' })
  same<typeof result, Stock | null>(true)
  // @ts-expect-error the key is missing
  await s.run(operation)

  // A cache or coalesce with a type parameter rejects operations of another type.
  const prices: Cache<number> = cache<number>({ ttl: '1s' })
  await shield('s', prices, coalesce<number>()).run(() => 12.5, { key: 'x' })
  // @ts-expect-error a string is no number
  await shield('s', prices).run(() => 'text', { key: 'x' })
  // @ts-expect-error the same for coalesce
  await shield('s', coalesce<number>()).run(() => 'text', { key: 'x' })
  const existed: boolean = prices.delete('x')
  prices.clear()
  // @ts-expect-error a ttl is required
  cache({ staleIfError: '1h' })
  // @ts-expect-error there is no such option
  coalesce({ ttl: '1s' })
  void existed
}

export function theEventOfACacheIsTyped(): void {
  const s = shield('s', cache({ ttl: '1s' }))
  s.on('stale', ({ error, ageMs, refresh }) => void [error, ageMs + 1, refresh === true])
}
