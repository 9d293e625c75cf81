import * as cockatiel from 'cockatiel'
import { standardShield } from 'escudo'
import { resilientFetch } from 'escudo/http'
import Opossum from 'opossum'
import type { request } from 'undici'
import { cockatielBreaker, cockatielRetry, cockatielTimeout, OPOSSUM, TIMEOUT_MS } from '../../cases/peers.ts'

interface Received {
  readonly status: number
  readonly body: string
}

/** Sends one request and reads the whole answer. */
type Call = () => Promise<Received>

const read = async (response: Response): Promise<Received> => ({
  status: response.status,
  body: await response.text(),
})

const readUndici = async ({ statusCode, body }: Awaited<ReturnType<typeof request>>): Promise<Received> => ({
  status: statusCode,
  body: await body.text(),
})

/** Every way to call, by its name in the report. */
const CALLERS = {
  fetch: (url) => async () => read(await fetch(url)),

  // What resilientFetch replaces: a time limit for the whole call, without retry or circuit breaker.
  'fetch, AbortController and timer': (url) => async () => {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(), TIMEOUT_MS)
    try {
      return await read(await fetch(url, { signal: controller.signal }))
    } finally {
      clearTimeout(timer)
    }
  },

  // Imported only here: the package would also replace the dispatcher of the global `fetch`.
  'undici.request': async (url) => {
    const { request } = await import('undici')
    return async () => readUndici(await request(url))
  },

  'resilientFetch, no shield': (url) => {
    const get = resilientFetch({ name: 'bench', shield: false })
    return async () => read(await get(url))
  },

  'resilientFetch, standard shield': (url) => {
    const get = resilientFetch({ name: 'bench' })
    return async () => read(await get(url))
  },

  // Imported only here, for the same reason.
  'resilientRequest, standard shield': async (url) => {
    const { resilientRequest } = await import('escudo/undici')
    const send = resilientRequest({ name: 'bench' })
    return async () => readUndici(await send(url))
  },

  'standard shield around fetch': (url) => {
    const shield = standardShield('bench')
    return () => shield.run(async ({ signal }) => read(await fetch(url, { signal })))
  },

  'opossum around fetch': (url) => {
    const breaker = new Opossum(async () => read(await fetch(url)), OPOSSUM)
    return () => breaker.fire()
  },

  'cockatiel around fetch': (url) => {
    const policy = cockatiel.wrap(cockatielRetry(), cockatielBreaker(), cockatielTimeout())
    return () => policy.execute(async ({ signal }) => read(await fetch(url, { signal })))
  },
} as const satisfies Readonly<Record<string, (url: string) => Call | Promise<Call>>>

/** The name of a way to call. */
export type CallerName = keyof typeof CALLERS

/** The names in the order of the report. */
export const CALLER_NAMES = Object.keys(CALLERS) as readonly CallerName[]

/** @throws Error for an unknown name */
export async function callerOf(name: string, url: string): Promise<Call> {
  if (!Object.hasOwn(CALLERS, name)) throw new Error(`no client has the name '${name}'`)
  return await CALLERS[name as CallerName](url)
}
