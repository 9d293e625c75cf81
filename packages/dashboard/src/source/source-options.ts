import type { EngineAddress } from '../victoria-logs/engine-client.ts'

/** The environment variable with the value of the `Authorization` header for the engine, or with a bearer token. */
export const AUTHORIZATION_VARIABLE = 'ESCUDO_DASHBOARD_SOURCE_AUTHORIZATION'

const PREFIX = 'victorialogs='
const HEADER = /^([A-Za-z0-9-]{1,100}):\s*([\x21-\x7e][\x20-\x7e]{0,2000})$/
const AUTHORIZATION = /^[\x21-\x7e][\x20-\x7e]{0,4000}$/

/**
 * Reads `--source victorialogs=URL`, the headers of `--source-header`, and the authorization of the environment.
 *
 * @returns the reason in one line, if they make no sense. It never contains a credential.
 */
export function sourceOf(
  text: string,
  headers: readonly string[],
  authorization: string | undefined,
): EngineAddress | string {
  if (!text.startsWith(PREFIX)) return '--source takes victorialogs=URL, such as victorialogs=http://127.0.0.1:9428'
  const address = text.slice(PREFIX.length)
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return '--source victorialogs= needs an http or https URL, such as http://127.0.0.1:9428'
  if (url.username !== '' || url.password !== '')
    return `--source takes no credentials in its URL, where they would be shown: set ${AUTHORIZATION_VARIABLE}`
  if (url.search !== '' || url.hash !== '') return '--source takes a URL without a query; see --source-header'
  const all: Record<string, string> = {}
  for (const header of headers) {
    const [, name, value] = HEADER.exec(header) ?? []
    if (name === undefined || value === undefined) return '--source-header takes NAME:VALUE, such as AccountID:12'
    all[name] = value
  }
  if (authorization !== undefined) {
    if (!AUTHORIZATION.test(authorization)) return `${AUTHORIZATION_VARIABLE} has characters that no header may have`
    all['Authorization'] = authorization.includes(' ') ? authorization : `Bearer ${authorization}`
  }
  return { url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''), headers: all }
}
