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

type UndiciRequest = typeof request

const readUndici = async ({ statusCode, body }: Awaited<ReturnType<UndiciRequest>>): Promise<Received> => ({
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

  'resilientRequest, standard shield': async (url) => {
    const send = await resilientRequest()
    return send === undefined ? undefined : async () => readUndici(await send(url))
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
} as const satisfies Readonly<Record<string, (url: string) => Call | Promise<Call | undefined>>>

/** The name of a way to call. */
export type CallerName = keyof typeof CALLERS

/** The names in the order of the report. */
export const CALLER_NAMES = Object.keys(CALLERS) as readonly CallerName[]

/** The way to call with this name. Undefined if the library does not have it. */
export async function callerOf(name: string, url: string): Promise<Call | undefined> {
  if (!Object.hasOwn(CALLERS, name)) throw new Error(`no client has the name '${name}'`)
  return await CALLERS[name as CallerName](url)
}

/** A protected `undici.request`. Undefined if the library has no `escudo/undici`. */
async function resilientRequest(): Promise<UndiciRequest | undefined> {
  // A variable, so that the compiler does not look for the module.
  const subpath = 'escudo/undici'
  try {
    const module = (await import(subpath)) as { resilientRequest(options: { name: string }): UndiciRequest }
    return module.resilientRequest({ name: 'bench' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' || code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}
