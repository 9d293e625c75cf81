import type { Attributes } from '@opentelemetry/api'
import { truncate } from '../../errors/to-json.ts'
import { addressOf, knownMethod, portOf } from '../http-facts.ts'

const METHOD_LENGTH_MAX = 64
/** The longest name of a host in DNS has 253 characters. */
const ADDRESS_LENGTH_MAX = 253

/** The name of a span without its route: the method, or `HTTP` for an unknown one. */
export function methodName(method: string): string {
  const known = knownMethod(method)
  return known === '_OTHER' ? 'HTTP' : known
}

export function methodAttributes(method: string): Attributes {
  const known = knownMethod(method)
  const attributes: Attributes = { 'http.request.method': known }
  if (known !== method) attributes['http.request.method_original'] = truncate(method, METHOD_LENGTH_MAX)
  return attributes
}

/** Adds the host and port of a URL, if it has a host. */
export function addAddress(attributes: Attributes, url: URL): void {
  const port = portOf(url)
  if (port === undefined) return
  attributes['server.address'] = truncate(addressOf(url), ADDRESS_LENGTH_MAX)
  attributes['server.port'] = Number(port)
}
