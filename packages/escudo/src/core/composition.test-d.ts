import {
  type AnyPolicy,
  bulkhead,
  type Call,
  type CircuitBreaker,
  circuitBreaker,
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
} from '../index.ts'

// What the types promise. Compiled, never run: a line that expects an error fails to compile when there is none.

/** Whether two types are the same, and not only assignable. */
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
  // @ts-expect-error a number is one of them
  made satisfies Stock

  const chained = await shield('s', fallback(null), fallback({ stock: -1 })).run(() => stock)
  chained satisfies Stock | null | { readonly stock: -1 }
  // @ts-expect-error null is one of them
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

export async function aReaderRefusesWhatItCannotRead(): Promise<void> {
  for (const reader of [readsResponses, retryOnResponse, breakerOnResponse]) {
    const s = shield('s', reader)
    await s.run(() => response)
    await s.run(async () => response)
    // @ts-expect-error a string is no Response
    await s.run(() => 'text')
    // @ts-expect-error nor is a promise of one
    await s.run(async () => 'text')
    // @ts-expect-error nor is it one when it is wrapped
    s.wrap(() => 'text')
  }
  // Two readers read the intersection.
  const both = shield('s', retry<{ a: number }>(), circuitBreaker<{ b: string }>())
  await both.run(() => ({ a: 1, b: 'x' }))
  // @ts-expect-error `b` is missing
  await both.run(() => ({ a: 1 }))
}

export async function whatStandsInsideMustBeReadableOutside(): Promise<void> {
  // @ts-expect-error the retry would be given null
  shield('s', retryOnResponse, fallback(null))
  // @ts-expect-error also through a policy that reads nothing
  shield('s', retryOnResponse, timeout('1s'), fallback(null))
  shield('s', retryOnResponse, fallback(response))
  const s = shield('s', fallback(null), timeout('1s'), retryOnResponse)
  const result = await s.run(() => response)
  same<typeof result, Response | null>(true)
}

export function callsShowWhatTheyAreAndDoNotChange(call: Call): void {
  same<Call['deadline'], number | undefined>(true)
  // @ts-expect-error a call does not change
  call.attempt = 2
  // @ts-expect-error nor does its signal
  call.signal = AbortSignal.abort()
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

export function durationsAreNumbersOrHaveTheirUnit(): void {
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

export function eventsHaveTheirOwnTypes(): void {
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
