// What the routes of the small service do. It knows no framework.
import { contextHeaders } from 'escudo'
import { WellKnown } from 'escudo/errors'
import { awkwardValue } from './awkward.ts'
import { Errors } from './errors.ts'
import { thrownValue } from './thrown.ts'

/** Headers of a success that is never sent. */
export const CACHE_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'public, max-age=3600',
  'cdn-cache-control': 'max-age=3600',
  etag: '"never-sent"',
  'last-modified': 'Mon, 23 Nov 2026 03:10:11 GMT',
  expires: 'Tue, 24 Nov 2026 03:10:11 GMT',
}

/** `GET /items/:id` */
export function item(id: string): { readonly id: string; readonly nombre: string } {
  if (id !== '1') throw new Errors.ITEM_NOT_FOUND({ id })
  return { id, nombre: 'Poción' }
}

/** `GET /throw/:what` */
export function throwValue(what: string): never {
  throw thrownValue(what)
}

/** `GET /context/:kind` */
export function throwContext(kind: string): never {
  const value = awkwardValue(kind)
  if (value === undefined) throw new WellKnown.ROUTE_NOT_FOUND()
  throw new Errors.AWKWARD_CONTEXT({ value })
}

/** `GET /throw-after-cache-headers`: the framework has set {@link CACHE_HEADERS}. */
export function throwAfterHeaders(): never {
  throw new Error('the headers are set, the body is not sent')
}

/** `GET /stream-then-throw`: a body that fails after its first part. */
export async function* brokenBody(): AsyncGenerator<string> {
  yield 'the first part of a body\n'
  // So that the first part is on its way.
  await new Promise((resolve) => setTimeout(resolve, 20))
  throw new Error('the rest of the body is missing')
}

/** `GET /deadline`: the milliseconds left to the caller, or `none`. */
export function deadline(): string {
  return contextHeaders()['x-request-timeout-ms'] ?? 'none'
}
