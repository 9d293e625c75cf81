import { readdirSync, readFileSync } from 'node:fs'
import { bulkhead, cache, circuitBreaker, coalesce, consecutive, fallback, hedge, retry, shield, timeout } from 'escudo'
import { createMetrics } from 'escudo/telemetry'
import { ROOT } from '../../shop/helpers/processes.ts'

const REPORTS = `${ROOT}/packages/escudo/api`
const report = readdirSync(REPORTS)
  .map((file) => readFileSync(`${REPORTS}/${file}`, 'utf8').replace(/^ *\/\/.*$/gm, ''))
  .join('\n')

/** What the variables of the pages are. */
const TYPES: Readonly<Record<string, string>> = {
  shield: 'Shield',
  breaker: 'CircuitBreaker',
  call: 'Call',
  Backoff: 'Backoff',
  AbortRetryError: 'Error',
}

/** Names of JavaScript, of the other library or of the reader's code that the columns of escudo contain. */
const OTHERS = new Set(
  `Aggressive AbortSignal EOPENBREAKER ESEMLOCKED ESHUTDOWN ETIMEDOUT ITimeoutOptions Infinity MAX_SAFE_INTEGER Math
  Number Promise Users action b c cacheTransport db delays false find fn input instanceof length min ms new newStatus
  operation options pRetry policies prototype randomize resolve this throw`.split(/\s+/),
)

const isWord = /\b[A-Za-z_]\w*/g
const words = new Set(report.match(isWord))
const texts = new Set([...report.matchAll(/['"]([\w-]+)['"]/g)].map(([, text = '']) => text))
const events = membersOf('ShieldEvents')

/** The names in a text of code that escudo does not have. */
export function unknownNames(code: string): readonly string[] {
  const unknown: string[] = []
  const known = code
    .replace(/\bon\('(\w+)'/g, (all, event: string) => expected(events.includes(event), all))
    .replace(/\b(\w+)\.(\w+)/g, (all, owner: string, member: string) => {
      const type = TYPES[owner]
      return type === undefined ? all : expected(type === 'Error' || membersOf(type).includes(member), all)
    })
    .replace(/\b(\w+)\(\{ ([^}]*)/g, (all, name: string, options: string) => {
      const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Options`
      const members = membersOf(type)
      if (members.length === 0) return all
      return expected(
        options.split(',').every((one) => members.includes(one.trim().split(':')[0] ?? '')),
        all,
      )
    })
    .replace(/'([^']*)'/g, (all, text: string) =>
      expected(texts.has(text) || /^\d+(?:ms|[smh])$/.test(text) || has(text) || OTHERS.has(text), all),
    )
  for (const word of known.match(isWord) ?? []) if (!has(word) && !OTHERS.has(word)) unknown.push(word)
  return unknown

  /** Nothing is left to check; or the whole text is unknown. */
  function expected(exists: boolean, text: string): string {
    if (!exists) unknown.push(text)
    return ''
  }
}

function has(word: string): boolean {
  return words.has(word) || texts.has(word) || atRunTime.has(word)
}

/** The members of an interface or a class in the reports, at its first level. */
function membersOf(type: string): readonly string[] {
  const body = new RegExp(`export (?:interface|class) ${type}\\b.*\\{\\n([\\s\\S]*?)\\n\\}`).exec(report)?.[1] ?? ''
  return [...body.matchAll(/^ {4}(?:readonly )?(\w+)/gm)].map(([, name = '']) => name)
}

/** What types do not tell: fields of the status, metrics and their labels. */
const atRunTime = await namesAtRunTime()

async function namesAtRunTime(): Promise<ReadonlySet<string>> {
  const metrics = createMetrics()
  const keyed = shield('keyed', fallback(0), cache({ ttl: '1s' }), coalesce(), hedge({ after: '1s' }))
  const others = shield(
    'others',
    retry(),
    circuitBreaker({ trip: consecutive(1) }),
    bulkhead({ limit: 1, queue: 1 }),
    timeout('1s'),
  )
  await keyed.run(() => 1, { key: 'a' })
  await others.run(() => 1)
  const status = JSON.stringify([keyed.status(), others.status()])
  const { body } = metrics.scrape()
  metrics.close()
  return new Set([...(status.match(isWord) ?? []), ...(body.match(isWord) ?? [])])
}
