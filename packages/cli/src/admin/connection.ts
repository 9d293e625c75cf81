import { CommandError, type Given, misuse, type Option, refused, unreachable } from '../command.ts'
import { givenValue, numberOf } from '../options.ts'
import { broughtNoAnswer, MAY_BE_DONE } from './no-answer.ts'
import { describeRefusal } from './refusal.ts'

const DEFAULT_URL = 'http://localhost:8000'
const TIMEOUT_S = 10
const ANSWER_BYTES_MAX = 16 * 1024 * 1024
/** How deep an answer is nested. Those of the admin routes have fewer levels. */
const ANSWER_DEPTH_MAX = 50

/** The options of all commands that speak to a service. */
export const CONNECTION_OPTIONS: readonly Option[] = [
  { name: 'url', value: 'URL', text: `the service (default: ESCUDO_URL, or ${DEFAULT_URL})` },
  { name: 'token', value: 'TOKEN', text: 'sent as "Authorization: Bearer TOKEN" (default: ESCUDO_TOKEN)' },
  { name: 'timeout', value: 'SECONDS', text: `how long to wait for an answer (default ${TIMEOUT_S})` },
  { name: 'json', text: 'print the answer of the service as JSON' },
]

/** What the help of these commands says about the connection. */
export const CONNECTION_DETAILS = `The service has the admin routes of escudo (adminRoutes), below URL. Other
users of the machine can see the command line: put the token into the variable
ESCUDO_TOKEN.
`

/** A service with admin routes. */
export interface Connection {
  readonly url: string
  /**
   * Sends one request.
   *
   * @param path below `/admin/shields`
   * @throws CommandError if the service refuses, or does not answer
   */
  readonly ask: (path: string, body?: object, signal?: AbortSignal) => Promise<unknown>
}

/**
 * Reads where the service is.
 *
 * @throws CommandError for an invalid URL, token or timeout
 */
export function connectionOf(given: Given, env: NodeJS.ProcessEnv = process.env): Connection {
  return connectionTo(givenValue(given, 'url'), given, env)
}

/**
 * Reads where the instances of a service are: one connection for each `--url`.
 *
 * @throws CommandError for an invalid URL, token or timeout
 */
export function connectionsOf(given: Given, env: NodeJS.ProcessEnv = process.env): readonly Connection[] {
  const urls: readonly (string | undefined)[] = given.get('url') ?? [undefined]
  return urls.map((url) => connectionTo(url, given, env))
}

function connectionTo(option: string | undefined, given: Given, env: NodeJS.ProcessEnv): Connection {
  const url = readUrl(option, env['ESCUDO_URL'])
  const token = readToken(givenValue(given, 'token') ?? (env['ESCUDO_TOKEN'] || undefined))
  const timeoutMs = numberOf(given, 'timeout', { min: 0.1, max: 600, default: TIMEOUT_S }) * 1_000
  return {
    url,
    ask: (path, body, signal) => ask(`${url}/admin/shields${path}`, { url, token, timeoutMs, body, signal }),
  }
}

/** An error for an answer that the admin routes do not give. */
export function otherAnswer({ url }: Pick<Connection, 'url'>): CommandError {
  return refused(`${url} answers something else than the admin routes of escudo. Check the URL`)
}

/** The path of a shield, or of one of its policies. */
export function pathTo(shield: string, policy: string | undefined): string {
  // The parser of URLs removes these two, also in their encoded form.
  if (shield === '.' || shield === '..') throw misuse(`a URL cannot contain the name ${JSON.stringify(shield)}`)
  if (policy === '.' || policy === '..') throw misuse(`a URL cannot contain the name ${JSON.stringify(policy)}`)
  return `/${encodeURIComponent(shield)}${policy === undefined ? '' : `/${encodeURIComponent(policy)}`}`
}

function readUrl(option: string | undefined, variable: string | undefined): string {
  const [source, text] = option !== undefined ? ['--url', option] : ['ESCUDO_URL', variable || DEFAULT_URL]
  const expected = `${source} takes the URL of a service, such as ${DEFAULT_URL}`
  if (!URL.canParse(text) || !/^https?:\/\//i.test(text)) throw misuse(`${expected}, got ${JSON.stringify(text)}`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    throw misuse(`${expected}, without a user and a password: put the token into ESCUDO_TOKEN`)
  }
  if (url.search !== '' || url.hash !== '') throw misuse(`${expected}, without ? and #`)
  return url.href.replace(/\/+$/, '')
}

function readToken(token: string | undefined): string | undefined {
  // The value is not repeated: it is a secret.
  if (token !== undefined && !/^[!-~]{1,4096}$/.test(token)) {
    throw misuse('the token may have letters, digits and signs of ASCII only, without spaces')
  }
  return token
}

interface Asked {
  readonly url: string
  readonly token: string | undefined
  readonly timeoutMs: number
  readonly body: object | undefined
  readonly signal: AbortSignal | undefined
}

async function ask(target: string, asked: Asked): Promise<unknown> {
  const { url, token, timeoutMs, body, signal } = asked
  const timeout = AbortSignal.timeout(timeoutMs)
  let response: Response
  let text: string
  try {
    response = await fetch(target, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        'accept-language': 'en',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // The token is for this service only.
      redirect: 'manual',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    })
    text = await textOf(response)
  } catch (error) {
    if (error instanceof CommandError) throw error
    if (signal?.aborted === true) throw signal.reason
    const { reason, mayBeDone } = timeout.aborted
      ? { reason: `no answer within ${timeoutMs / 1_000} s`, mayBeDone: true }
      : broughtNoAnswer(error)
    const done = mayBeDone && body !== undefined ? `${MAY_BE_DONE}. ` : ''
    throw unreachable(`${reason}. ${done}Is the service running at ${url}? Another address: --url URL`)
  }
  const answer = parsed(text)
  if (isTooDeep(answer)) throw refused(`the answer has more than ${ANSWER_DEPTH_MAX} levels`)
  if (response.ok && typeof answer === 'object' && answer !== null) return answer
  throw describeRefusal(response, answer, { url, hasToken: token !== undefined, acts: body !== undefined })
}

/** Reads a body up to a bound: any server may answer at this URL. */
async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length
    if (size > ANSWER_BYTES_MAX) throw refused(`the answer has more than ${ANSWER_BYTES_MAX} bytes`)
    chunks.push(chunk as Uint8Array)
  }
  return Buffer.concat(chunks).toString()
}

/** Whether an answer is nested so deep that functions which call themselves could exhaust the stack. */
function isTooDeep(answer: unknown): boolean {
  let level = [answer]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > ANSWER_DEPTH_MAX) return true
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
  return false
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
